// What was recorded, in real players: hls.js in Chromium plays a window that has ended, over a gap in it, and one that goes on; mpv
// and ffprobe seek in one that has ended, over Range.
// Usage: node catchup.mjs LINECARD
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, copyFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import puppeteer from "puppeteer-core";

const [linecard] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "catchup-"));
const key = "players-key-0123456789";
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// Pieces of ten seconds, as recordings leave them: an hour ago with a gap, and until a moment ago.
const made = spawnSync("ffmpeg", [
    ..."-v error -f lavfi -i testsrc2=size=640x360:rate=25 -f lavfi -i sine -t 60 -c:v libx264 -preset ultrafast -pix_fmt yuv420p".split(" "),
    ..."-g 50 -keyint_min 50 -sc_threshold 0 -c:a aac -f segment -segment_time 10 -segment_format mpegts".split(" "),
    path.join(folder, "%d.ts"),
], { stdio: "inherit" });
if (made.status) process.exit(1);
const pieces = readdirSync(folder).filter((name) => name.endsWith(".ts")).sort();
const record = (from) => pieces.forEach((piece, number) => {
    const start = from * 1000 + number * 10_000;
    const [day, time] = new Date(start).toISOString().split("T");
    const hour = path.join(folder, "data", "archive", "1", day, time.slice(0, 2));
    mkdirSync(hour, { recursive: true });
    copyFileSync(path.join(folder, piece), path.join(hour, `${start}-10000${number ? "" : "-d"}.ts`));
});
const now = Math.floor(Date.now() / 1000);
const past = now - 3600;
record(past);
record(past + 90);
record(now - 70);

const server = spawn(linecard, ["serve", "--data", path.join(folder, "data"), "--listen", "127.0.0.1:0"], {
    env: { ...process.env, LINECARD_API_KEY: key }, stdio: ["ignore", "pipe", "ignore"],
});
const base = await new Promise((told) => {
    let text = "";
    server.stdout.on("data", (part) => { text += part; const found = /listening on (\S+)/.exec(text); if (found) told(found[1]); });
});
const api = async (call, fields) => {
    const answer = await fetch(`${base}/api/${call}`, { method: "POST", body: new URLSearchParams({ api_key: key, ...fields }) });
    const told = await answer.json();
    if (told.result === false) throw new Error(JSON.stringify(told));
    return told;
};
await api("streams/new", { "data[name]": "News", "data[sources][]": "media/none.ts", "data[archive_days]": 1 });
await api("bouquets/new", { "data[name]": "All", "data[streams][]": 1 });
await api("line/new", { "data[username]": "bob", "data[password]": "pw", "data[max_allowed_connections]": 4, "data[bouquets][]": 1 });
const ended = `${base}/timeshift/bob/pw/3/${past + 5}/1`;
const running = `${base}/live/bob/pw/1.m3u8?utc=${now - 65}&lutc=${now}`;
for (let waited = 0; (await fetch(`${ended}.ts`, { method: "HEAD" })).status !== 200; waited += 1) {
    if (waited > 20) throw new Error("the archive is not known");
    await sleep(1);
}

let failed = false;
const check = (what, holds, told) => {
    console.log(`${holds ? "ok" : "FAILED"}: ${what}${told ? `: ${told}` : ""}`);
    failed ||= !holds;
};

const page = (url) => `<!doctype html><video id=v muted autoplay></video><script src=/hls.js/dist/hls.js></script><script>
const video = document.getElementById("v"), log = [];
window.state = () => ({ at: video.currentTime, length: video.duration, end: video.seekable.length ? video.seekable.end(0) : 0, log });
const hls = new Hls();
hls.on(Hls.Events.ERROR, (_, data) => log.push(data.type + " " + data.details + (data.fatal ? " FATAL" : "")));
hls.loadSource(${JSON.stringify(url)}); hls.attachMedia(video);
</script>`;
const modules = path.join(path.dirname(new URL(import.meta.url).pathname), "node_modules");
const pages = createServer((request, response) => {
    const file = path.join(modules, path.normalize(request.url));
    if (request.url === "/ended") response.writeHead(200, { "content-type": "text/html" }).end(page(`${ended}.m3u8`));
    else if (request.url === "/running") response.writeHead(200, { "content-type": "text/html" }).end(page(running));
    else if (existsSync(file)) createReadStream(file).pipe(response.writeHead(200, { "content-type": "text/javascript" }));
    else response.writeHead(404).end();
}).listen(0, "127.0.0.1");
const browser = await puppeteer.launch({
    executablePath: "/usr/bin/chromium", headless: true,
    args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
});
const plays = async (what, seek) => {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${pages.address().port}/${what}`);
    const until = async (holds) => {
        for (let waited = 0; waited < 60; waited += 1) {
            const state = await tab.evaluate(() => window.state());
            if (holds(state)) return state;
            await sleep(0.5);
        }
        return tab.evaluate(() => window.state());
    };
    let state = await until((state) => state.at > 3);
    check(`hls.js plays a window that is ${what}`, state.at > 3 && state.at < 20, JSON.stringify(state));
    await tab.evaluate((to) => { document.getElementById("v").currentTime = to; }, seek);
    state = await until((state) => state.at > seek + 3);
    check(`hls.js seeks in it, and plays on`, state.at > seek + 3 && !state.log.some((line) => line.includes("FATAL")), JSON.stringify(state));
    await tab.close();
    return state;
};
const whole = await plays("ended", 52);
// 55 seconds, the gap left out, and 60 more.
check("it has the length of what is recorded", Math.abs(whole.length - 116) < 8, whole.length);
await plays("running", 30);
await browser.close();

const probed = spawnSync("ffprobe", ["-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "csv", `${ended}.ts`], { encoding: "utf8" });
check("ffprobe finds its tracks", probed.stdout.includes("h264") && probed.stdout.includes("aac"), probed.stdout.trim().replaceAll("\n", " "));
const seen = spawnSync("mpv", ["--no-config", "--vo=null", "--ao=null", "--start=40", "--length=3", "-v", `${ended}.ts`], { encoding: "utf8", timeout: 60_000 });
check("mpv seeks in it over Range", seen.status === 0 && !/not seekable/i.test(seen.stdout), seen.stdout.split("\n").find((line) => /Seek|seek/.test(line)));
server.kill();
pages.close();
process.exit(failed ? 1 : 0);
