// A client typed by openapi-typescript from docs/openapi.json, against a running server: node client.js URL KEY.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

const [url, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

function check(holds: boolean, what: unknown): void {
    if (!holds) throw new Error(JSON.stringify(what));
}

const sold = { data: { username: "typed", password: "pw", max_allowed_connections: 2, disabled: 0 } };
const made = (await client.POST("/api/line/new", { body: sold, params: { header: { "Idempotency-Key": "typed-1" } } })).data;
check(made?.result === true, made);
if (made?.result !== true) throw new Error("unreachable");
const id = made.created_id;
const again = (await client.POST("/api/line/new", { body: sold, params: { header: { "Idempotency-Key": "typed-1" } } })).data;
check(again?.result === true && again.created_id === id, again);
const taken = (await client.POST("/api/line/new", { body: sold })).data;
check(taken?.result === false && taken.error === "Username exists.", taken);

const info = (await client.GET("/api/line/info", { params: { query: { username: "typed" } } })).data;
check(info?.result === true && info.line_info.max_allowed_connections === 2 && info.line_info.expire_date === null, info);
const found = (await client.POST("/api/line/list", { body: { search: "typed" } })).data;
check(found?.result === true && found.total === 1 && found.lines[0]?.username === "typed", found);
const gone = (await client.POST("/api/line/delete", { body: { username: "typed" } })).data;
check(gone?.result === true && gone.deleted_id === id, gone);

const stranger = createClient<paths>({ baseUrl: url, headers: { Authorization: "Bearer wrong-key-0123456789" } });
const { error, response } = await stranger.POST("/api/line/info", { body: { username: "typed" } });
check(response.status === 401 && error?.result === false, error);
console.log("openapi-typescript: passed");
