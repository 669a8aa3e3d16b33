// Our HLS in a real browser: hls.js, Shaka and Chromium's own player, each on an on-demand stream of its own.
// Stalls, jumps and dropped frames are told. It fails if hls.js or Chromium's player stood still for more than a second before the
// first outage, or if hls.js does not play on after one. The others are only told (docs/streams.md).
// Usage: node hls_players.mjs LINECARD SECONDS RATE_KBIT KEY_FRAME_SECONDS [OUTAGE_SECONDS...]
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { createReadStream, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import puppeteer from "puppeteer-core";

const [linecard, seconds, rate, keys, ...outages] = process.argv.slice(2);
const folder = mkdtempSync(path.join(tmpdir(), "hls-"));
const key = "players-key-0123456789";
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

// A live source that can be taken away: ffmpeg at the speed of its clock, for whoever asks.
const picture = path.join(folder, "picture.ts");
const made = spawnSync("ffmpeg", [
    ..."-v error -f lavfi -i".split(" "), `testsrc2=size=640x360:rate=25${rate > 10000 ? ",noise=alls=60:allf=t" : ""}`,
    ..."-f lavfi -i sine -t 60 -c:v libx264 -preset ultrafast -pix_fmt yuv420p".split(" "),
    "-b:v", `${rate}k`, "-minrate", `${rate}k`, "-maxrate", `${rate}k`, "-bufsize", `${rate}k`, "-x264-params", "nal-hrd=cbr:scenecut=0",
    "-g", `${keys * 25}`, "-keyint_min", `${keys * 25}`, "-c:a", "aac", picture,
], { stdio: "inherit" });
if (made.status) process.exit(1);
const feeds = new Set();
let isGone = false;
const source = createServer((_request, response) => {
    if (isGone) return response.writeHead(503).end();
    const feed = spawn("ffmpeg", ["-v", "quiet", "-re", "-stream_loop", "-1", "-i", picture, "-c", "copy", "-f", "mpegts", "-"]);
    feeds.add(feed);
    feed.stdout.pipe(response);
    response.on("close", () => { feeds.delete(feed); feed.kill("SIGKILL"); });
}).listen(0, "127.0.0.1");

const page = `<!doctype html><video id=v muted autoplay playsinline></video>
<script src=/hls.js/dist/hls.js></script><script src=/shaka-player/dist/shaka-player.compiled.js></script><script>
const video = document.getElementById("v"), log = [];
const report = { errors: log, stalls: 0, stalled: 0, jumps: 0 };
let began = 0, since = 0;
video.addEventListener("playing", () => { began ||= performance.now(); if (since) { report.stalled += performance.now() - since; since = 0; } });
video.addEventListener("waiting", () => { if (began) { report.stalls += 1; since ||= performance.now(); } });
let last = -1; report.jumped = [];
setInterval(() => {
    if (began && last >= 0 && video.currentTime - last > 1.5) { report.jumps += 1; report.jumped.push([last, video.currentTime]); }
    last = video.currentTime;
}, 250);
video.addEventListener("error", () => log.push("video: " + video.error.message));
window.state = () => {
    const end = video.buffered.length ? video.buffered.end(video.buffered.length - 1) : 0;
    return { ...report, at: video.currentTime, ahead: end - video.currentTime, begun: began, now: performance.now(),
        stalled: report.stalled + (since ? performance.now() - since : 0), dropped: video.getVideoPlaybackQuality().droppedVideoFrames, frames: video.getVideoPlaybackQuality().totalVideoFrames, paused: video.paused };
};
const [kind, url] = [new URLSearchParams(location.search).get("kind"), new URLSearchParams(location.search).get("url")];
if (kind === "hls.js") {
    const hls = new Hls();
    hls.on(Hls.Events.ERROR, (_, data) => { log.push(data.type + " " + data.details + (data.fatal ? " FATAL" : ""));
        if (data.fatal && data.type === "networkError") hls.startLoad(); else if (data.fatal) hls.recoverMediaError(); });
    hls.loadSource(url); hls.attachMedia(video);
} else if (kind === "shaka") {
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    player.addEventListener("error", (event) => log.push("shaka " + String(event.detail.code ?? event.detail)));
    player.attach(video).then(() => player.load(url)).catch((error) => log.push("shaka load " + error.code));
} else { video.src = url; }
</script>`;
const modules = path.join(path.dirname(new URL(import.meta.url).pathname), "node_modules");
const pages = createServer((request, response) => {
    const file = path.join(modules, path.normalize(request.url));
    if (request.url.startsWith("/all?")) {
        const frames = new URL(request.url, "http://x").searchParams.getAll("frame");
        const shown = frames.map((frame) => `<iframe width=300 height=200 allow=autoplay src="${frame.replaceAll("&", "&amp;")}"></iframe>`);
        response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html>${shown.join("")}`);
    } else if (request.url.startsWith("/?")) response.writeHead(200, { "content-type": "text/html" }).end(page);
    else if (existsSync(file)) createReadStream(file).pipe(response.writeHead(200, { "content-type": "text/javascript" }));
    else response.writeHead(404).end();
}).listen(0, "127.0.0.1");

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
    if (told.status !== "STATUS_SUCCESS" && told.success === false) throw new Error(JSON.stringify(told));
    return told;
};
const kinds = ["hls.js", "shaka", "native"];
const bouquet = { "data[name]": "All" };
for (const [index, kind] of kinds.entries()) {
    await api("streams/new", { "data[name]": kind, "data[on_demand]": 1, "data[sources][]": `http://127.0.0.1:${source.address().port}/${index}.ts` });
    bouquet[`data[streams][${index}]`] = index + 1;
}
await api("bouquets/new", bouquet);
await api("line/new", { "data[username]": "bob", "data[password]": "pw", "data[max_allowed_connections]": 0, "data[bouquets][]": 1 });

const browser = await puppeteer.launch({
    executablePath: "/usr/bin/chromium", headless: true,
    args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio", "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"],
});
// One page: what is in the background is paused.
const tab = await browser.newPage();
const frames = kinds.map((kind, index) => `/?kind=${kind}&url=${encodeURIComponent(`${base}/live/bob/pw/${index + 1}.m3u8`)}`);
await tab.goto(`http://127.0.0.1:${pages.address().port}/all?${new URLSearchParams(frames.map((frame) => ["frame", frame]))}`);
const tabs = kinds.map((kind) => ({ kind, tab: tab.frames().find((frame) => frame.url().includes(`kind=${kind}`)) }));
const seen = {};
let failed = false;
const look = async (what) => {
    for (const { kind, tab } of tabs) {
        const s = await tab.evaluate(() => window.state());
        const counted = {};
        for (const error of s.errors) counted[error] = (counted[error] ?? 0) + 1;
        seen[kind] = s;
        console.log(`${what} ${kind}: began ${(s.begun / 1000).toFixed(1)} s, at ${s.at.toFixed(1)}, played for ${((s.now - s.begun) / 1000).toFixed(1)}, ahead ${s.ahead.toFixed(1)}, stalls ${s.stalls} (${(s.stalled / 1000).toFixed(1)} s), jumps ${s.jumps} ${JSON.stringify(s.jumped)}, dropped ${s.dropped}/${s.frames}${s.paused ? " PAUSED" : ""} ${JSON.stringify(counted)}`);
    }
};
await sleep(Number(seconds));
await look(`after ${seconds} s`);
for (const kind of ["hls.js", "native"]) failed ||= !(seen[kind].begun > 0 && seen[kind].stalled < 1000);
for (const outage of outages) {
    isGone = true;
    for (const feed of feeds) feed.kill("SIGKILL");
    await sleep(Number(outage));
    await look(`at the end of ${outage} s without source`);
    isGone = false;
    await sleep(75);
    const before = seen["hls.js"].at;
    await look("75 s later");
    failed ||= seen["hls.js"].at < before + 30;
}
await browser.close();
server.kill();
source.close(); pages.close();
for (const feed of feeds) feed.kill("SIGKILL");
process.exit(failed ? 1 : 0);
