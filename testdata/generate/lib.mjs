// What every example needs: chance that repeats, people that nobody is, files
// as exporters write them, and the truth that must come out.
//
// Everything here is a function of its seed: the same program writes the same
// bytes on every machine. Nothing reads a clock.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

const root = path.join(import.meta.dirname, '..', 'exports');

// chance is mulberry32: small, good enough, the same everywhere.
export class Chance {
  constructor(seed) {
    this.s = 2166136261;
    for (const c of String(seed)) this.s = Math.imul(this.s ^ c.codePointAt(0), 16777619) >>> 0;
  }
  next() {
    this.s = (this.s + 0x6d2b79f5) >>> 0;
    let t = this.s;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  int(from, to) { return from + Math.floor(this.next() * (to - from + 1)); }
  is(p) { return this.next() < p; }
  pick(list) { return list[Math.floor(this.next() * list.length)]; }
  // weighted picks a key of {key: weight}.
  weighted(of) {
    let sum = 0;
    for (const k in of) sum += of[k];
    let at = this.next() * sum;
    for (const k in of) if ((at -= of[k]) < 0) return k;
    return Object.keys(of)[0];
  }
  hex(n) { let s = ''; while (s.length < n) s += this.int(0, 15).toString(16); return s; }
  uuid() { return `${this.hex(8)}-${this.hex(4)}-4${this.hex(3)}-${this.pick(['8', '9', 'a', 'b'])}${this.hex(3)}-${this.hex(12)}`; }
  digits(n) { let s = String(this.int(1, 9)); while (s.length < n) s += this.int(0, 9); return s; }
  // time gives a whole second between two years, in epoch ms.
  time(from = 2021, to = 2025) {
    const a = Date.UTC(from, 0, 1) / 1000, b = Date.UTC(to, 11, 31) / 1000;
    return this.int(a, b) * 1000;
  }
}

const first = ['Anna', 'Björn', 'Chloé', 'Dmitri', 'Élodie', 'Fatima', 'Giorgos', 'Hanako', 'İbrahim', 'José', 'Kamilla', 'Łukasz', 'Mary Ann', "Niamh", 'Oğuz', 'Priya', 'Quentin', 'Renée', 'Søren', 'Tomáš', 'Uma', 'Víctor', '王芳', 'Zoë'];
const last = ['Andersson', 'Bürki', "O'Neill", 'Díaz', 'Eriksen', 'Fürst', 'García', 'Horváth', 'Ivanova', 'Jónsdóttir', 'Kowalska', 'Łęcki', 'Müller', 'Nguyễn', 'Öztürk', 'Petrov', 'de la Cruz', 'van der Berg', 'Šimek', '李'];
const hosts = ['post.example', 'mail.example', 'firma.example', 'kunde.example', 'verein.example'];

// person gives somebody; n keeps them apart.
export function person(c, n) {
  const f = c.pick(first), l = c.pick(last);
  const plain = s => s.normalize('NFD').replace(/[^A-Za-z]/g, '').toLowerCase() || 'user';
  return { first: f, last: l, email: `${plain(f)}.${plain(l)}${n}@${c.pick(hosts)}`, phone: '+31' + c.digits(9) };
}

// mess writes an address as people type them: in capitals, with blanks around it.
export const mess = (c, s) => c.is(0.06) ? s.toUpperCase() : c.is(0.04) ? ` ${s} ` : s;

// iso writes epoch ms in RFC 3339, with or without milliseconds.
export const iso = (ms, millis = false) => millis ? new Date(ms).toISOString() : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

// parts takes epoch ms apart on a clock that is `offset` minutes ahead of UTC.
export function parts(ms, offset = 0) {
  const d = new Date(ms + offset * 60000), p = n => String(n).padStart(2, '0');
  const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
  const h = d.getUTCHours();
  return {
    Y: String(d.getUTCFullYear()), m: p(d.getUTCMonth() + 1), d: p(d.getUTCDate()), j: String(d.getUTCDate()), n: String(d.getUTCMonth() + 1),
    H: p(h), M: p(d.getUTCMinutes()), S: p(d.getUTCSeconds()), I: p(h % 12 || 12), l: String(h % 12 || 12), p: h < 12 ? 'AM' : 'PM',
    F: months[d.getUTCMonth()], b: months[d.getUTCMonth()].slice(0, 3),
  };
}

// berlin gives the minutes that Europe/Berlin is ahead of UTC: summer time from
// the last Sunday of March to that of October, each at 01:00 UTC.
export function berlin(ms) {
  const y = new Date(ms).getUTCFullYear();
  const sunday = month => { const d = new Date(Date.UTC(y, month + 1, 0, 1)); d.setUTCDate(d.getUTCDate() - d.getUTCDay()); return d.getTime(); };
  return ms >= sunday(2) && ms < sunday(9) ? 120 : 60;
}

// cell quotes a CSV cell where it must be, or always.
export function cell(v, delimiter = ',', always = false) {
  const s = v === null || v === undefined ? '' : String(v);
  return always || s.includes('"') || s.includes(delimiter) || /[\r\n]/.test(s) || /^\s|\s$/.test(s) ? '"' + s.replaceAll('"', '""') + '"' : s;
}

// csv writes rows as an exporter would.
export function csv(rows, { delimiter = ',', eol = '\n', always = false, last = true } = {}) {
  const text = rows.map(r => typeof r === 'string' ? r : r.map(v => cell(v, delimiter, always)).join(delimiter)).join(eol);
  return last ? text + eol : text;
}

export const bom = '\ufeff';
export const utf16 = text => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]);
export const latin1 = text => Buffer.from(text, 'latin1');
export const gzip = text => { const b = zlib.gzipSync(Buffer.from(text), { level: 9 }); b[9] = 0xff; return b; }; // the byte that names the system: unknown

// Raw is a number for JSON that JavaScript would round.
export class Raw { constructor(text) { this.text = String(text); } }

// json is JSON.stringify that knows Raw.
export function json(v, indent) {
  const held = [];
  const text = JSON.stringify(v, (_, x) => x instanceof Raw ? `\u0001${held.push(x.text) - 1}\u0001` : x, indent);
  return text.replace(/"\\u0001(\d+)\\u0001"/g, (_, i) => held[i]);
}

// Truth collects what must come out of an example.
export class Truth {
  lines = [];
  // says notes one consent. Fields are named as in the API; the address goes to
  // userId as well when there is no other subject.
  says({ action, timestamp, validUntil = 'unlimited', source, category, sourceId, profileId, userId, email, message }) {
    if (!userId && !profileId) userId = email;
    if (!userId && !profileId) throw new Error('a consent without a subject');
    const id = sourceId === undefined ? undefined : new Raw(sourceId);
    this.lines.push(json({ action, timestamp, validUntil, source, category, sourceId: id, profileId, userId, email, message }));
  }
  text() { return this.lines.map(l => l + '\n').join(''); }
}

// save writes an example anew: its files, what must come out, and flags. What was written
// by hand beside them, *.yaml, stays.
export function save(name, files, truth, flags = []) {
  const dir = path.join(root, name);
  fs.mkdirSync(dir, { recursive: true });
  for (const old of fs.readdirSync(dir)) if (!old.endsWith('.yaml')) fs.rmSync(path.join(dir, old), { recursive: true });
  for (const [file, data] of Object.entries(files)) fs.writeFileSync(path.join(dir, file), data);
  fs.writeFileSync(path.join(dir, 'want.jsonl'), truth.text());
  if (flags.length) fs.writeFileSync(path.join(dir, 'flags'), flags.map(f => f + '\n').join(''));
  console.log(`${name}: ${truth.lines.length} consents`);
}

// zip writes an archive, stored or deflated, with a fixed time.
export function zip(members) {
  const crcs = new Uint32Array(256).map((_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1; return n; });
  const crc = b => { let c = ~0; for (const x of b) c = crcs[(c ^ x) & 255] ^ (c >>> 8); return ~c >>> 0; };
  const out = [], dir = [];
  let at = 0;
  for (const [name, data] of Object.entries(members)) {
    const raw = Buffer.from(data), packed = zlib.deflateRawSync(raw, { level: 9 }), n = Buffer.from(name);
    const h = Buffer.alloc(26);
    h.writeUInt16LE(20, 0); h.writeUInt16LE(0x800, 2); h.writeUInt16LE(8, 4); h.writeUInt16LE(0, 6); h.writeUInt16LE(0x5921, 8);
    h.writeUInt32LE(crc(raw), 10); h.writeUInt32LE(packed.length, 14); h.writeUInt32LE(raw.length, 18); h.writeUInt16LE(n.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), h, n, packed]);
    const tail = Buffer.alloc(14); tail.writeUInt32LE(at, 10);
    dir.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), h, tail, n]));
    out.push(local); at += local.length;
  }
  const d = Buffer.concat(dir), end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1'); end.writeUInt16LE(dir.length, 8); end.writeUInt16LE(dir.length, 10); end.writeUInt32LE(d.length, 12); end.writeUInt32LE(at, 16);
  return Buffer.concat([...out, d, end]);
}
