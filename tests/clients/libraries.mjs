// JavaScript libraries of players against a running server: libraries.mjs URL USERNAME PASSWORD CHANNELS.
import assert from 'node:assert/strict';
import { Xtream } from '@iptv/xtream-api';
import { standardizedSerializer } from '@iptv/xtream-api/standardized';
import { parseM3U } from '@iptv/playlist';
import { parseXmltv } from '@iptv/xmltv';
import iptvPlaylistParser from 'iptv-playlist-parser';
import epgParser from 'epg-parser';

const [url, username, password, text] = process.argv.slice(2);
const count = Number(text);
const fetched = async (path) => (await fetch(`${url}/${path}username=${username}&password=${password}`)).text();

for (const serializer of [undefined, standardizedSerializer]) {
  const player = new Xtream({ url, username, password, ...(serializer && { serializer }) });
  const profile = await player.getProfile();
  assert.ok(profile, 'a profile');
  assert.ok(await player.getServerInfo(), 'server info');
  assert.equal((await player.getChannels()).length, count);
  assert.ok((await player.getChannelCategories()).length > 0);
  assert.deepEqual(await player.getMovies(), []);
  assert.deepEqual(await player.getShows(), []);
  const next = JSON.stringify(await player.getShortEPG({ channelId: 1, limit: 2 }));
  const every = JSON.stringify(await player.getFullEPG({ channelId: 1 }));
  assert.ok(next.includes('news.tv') && every.length > 10 * next.length, next);
}

const m3u = await fetched('get.php?type=m3u_plus&');
const parsed = parseM3U(m3u);
assert.equal(parsed.channels.length, count);
const items = iptvPlaylistParser.parse(m3u).items;
assert.equal(items.length, count);
assert.ok(items.every((item) => item.name === item.tvg.name && item.url.includes(`/live/${username}/${password}/`)));

const xml = await fetched('xmltv.php?');
for (const guide of [parseXmltv(xml), epgParser.parse(xml)]) {
  assert.equal(guide.channels.length, count);
  const programmes = guide.programmes ?? guide.programs;
  assert.ok(programmes.length > count * 100, `${programmes.length} programmes`);
  const now = Date.now();
  const isOn = ({ start, stop }) => new Date(start) <= now && now < new Date(stop);
  assert.equal(programmes.filter(isOn).length, count, 'one programme is on, on every channel');
}
console.log('javascript libraries: passed');
