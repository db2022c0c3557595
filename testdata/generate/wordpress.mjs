// Plugins of WordPress and Contao, which write with PHP's fputcsv: it quotes a
// cell that holds a blank, and escapes quotes after a backslash in its own way.
import { Chance, Truth, person, parts, berlin, save } from './lib.mjs';

const php = (rows, d = ',') => rows.map(r => r.map(v => { const s = String(v ?? ''); return /[\s"\\]/.test(s) || s.includes(d) ? '"' + s.replace(/(\\")|"/g, (m, esc) => esc ?? '""') + '"' : s; }).join(d)).join('\n') + '\n';

export function webtoffee(name) {
  const c = new Chance(name), truth = new Truth(), records = [];
  for (let n = 1; n <= 240; n++) {
    const at = c.time(2020, 2024), t = parts(at), guest = c.is(0.5), bad = c.is(0.02), user = guest ? '0' : String(bad ? 1000 + n : c.int(2, 90));
    const state = Object.fromEntries(['analytics', 'advertisement', 'functional'].map(k => [k, c.pick(['yes', 'no'])]));
    const out = c.weighted({ '': 80, yes: 10, no: 10 });
    if (bad) state.analytics = c.pick(['maybe', 'true-ish']);
    // "no": declined, or not answered; what is on then is on by default
    const viewed = c.pick(['yes', 'no']), details = [['necessary', 'yes'], ...Object.entries(state)].map(([k, v]) => ` ${k}:${v}|`).join('') + `viewed_cookie_policy:${viewed}|ccpaOptout:${out}|`;
    records.push([n, `203.0.113.***`, `${t.b} ${t.d}, ${t.Y} ${t.I}:${t.M}:${t.S} ${t.p}`, user, details]);
    records[n - 1].says = guest || bad ? [] : [...Object.entries(state).filter(([, v]) => v === 'no' || viewed === 'yes').map(([k, v]) => ({ category: k, action: v === 'yes' ? 'accept' : 'reject' })), ...(out === 'yes' ? [{ category: 'sale', action: 'reject' }] : [])].map(s => ({ ...s, timestamp: at, source: 'webtoffee', userId: user }));
  }
  records.sort((a, b) => b[0] - a[0]);              // newest first
  for (const r of records) r.says.forEach(s => truth.says(s));
  save(name, { 'export.csv': php([['VisitorID', 'Visitor IP Address', 'Visited Date', 'User ID', 'Cookie Details'], ...records]) }, truth);
}

export function complianz(name) {
  const c = new Chance(name), truth = new Truth();
  const file = (word, header, from, to, extra) => {
    const rows = [[...header, word]];
    for (let n = from; n <= to; n++) {
      const at = c.time(2022, 2024), t = parts(at, 60), type = c.weighted({ optin: 75, optinstats: 5, optout: 20 });
      const v = { functional: 1, preferences: c.int(0, 1), statistics: c.int(0, 1), marketing: c.int(0, 1), no_choice: c.is(0.1) ? 1 : 0, no_warning: 0, do_not_track: 0 };
      rows.push([n, at / 1000, `https://shop.example/wp-content/uploads/complianz/proof-${c.hex(6)}.pdf`, type === 'optout' ? 'us' : 'eu', type, ...extra.map(k => v[k]), `${t.F} ${t.j}, ${t.Y} at ${t.H}:${t.M}`]);
      if (v.no_choice && extra.includes('no_choice')) continue;
      for (const k of ['preferences', 'statistics', 'marketing']) if (extra.includes(k)) {
        // where the law lets everything run until somebody objects, a 1 is nobody's choice
        if (v[k] && type === 'optout') continue;
        truth.says({ action: v[k] ? 'accept' : 'reject', timestamp: at, source: 'complianz', category: k, profileId: `complianz-${n}`, sourceId: '3' });
      }
    }
    return rows;
  };
  const head = ['ID', 'time', 'poc_url', 'region', 'consenttype'];
  const now = ['functional', 'preferences', 'statistics', 'marketing', 'no_choice', 'no_warning', 'do_not_track'], old = ['statistics', 'preferences'];
  save(name, { 'export.a1f3.csv': php(file('Datum', [...head, ...now], 1, 130, now)), 'export.b2c4.csv': php(file('Date', [...head, 'stats', 'prefs'], 131, 170, old)) }, truth, ['--set=record=ID', '--set=sourceId=3']);
}

export function moove(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['Date/Time', 'IP Address', 'User Details', 'Strictly Necessary Cookies', '3rd Party Cookies', 'Additional Cookies']];
  for (let n = 1; n <= 150; n++) {
    const p = person(c, n), at = c.time(2021, 2024) , t = parts(at), minute = at - at % 60000, guest = c.is(0.3), bad = c.is(0.03);
    const third = bad ? c.pick(['', 'unknown']) : c.pick(['yes', 'no']), more = c.pick(['yes', 'no']);
    const mail = (c.is(0.1) ? `o'neill${n}@post.example` : p.email);
    const user = guest ? 'Not logged in' : `${p.first} ${p.last} (${mail})`.replaceAll('&', '&amp;').replaceAll("'", '&#039;');
    rows.push([`${t.F} ${t.j}, ${t.Y} @ ${t.l}:${t.M} ${t.p.toLowerCase()}`, '203.0.113.0', user, 'yes', third, more]);
    if (guest || third === 'unknown') continue;
    if (third) truth.says({ action: third === 'yes' ? 'accept' : 'reject', timestamp: minute, source: 'moove', category: 'third-party', email: mail });
    truth.says({ action: more === 'yes' ? 'accept' : 'reject', timestamp: minute, source: 'moove', category: 'additional', email: mail });
  }
  save(name, { 'export.csv': php(rows) }, truth);
}

export function cookieadmin(name) {
  const c = new Chance(name), truth = new Truth();
  const rows = [['Consent Id', 'Consent Status', 'Country', 'User IP (Anonymized)', 'Consent Time']];
  for (let n = 1; n <= 140; n++) {
    const at = c.time(2023, 2024), minute = at - at % 60000, offset = berlin(at), t = parts(at, offset), id = c.hex(20);
    const status = c.weighted({ Accepted: 50, Rejected: 30, 'Partially Accepted': 15, Pending: 2, '': 3 });
    const odd = c.is(0.03);                          // another zone than the one named: nobody knows which clock
    rows.push([id, status, c.pick(['Germany', 'France', '—']), '203.0.113.0', `${t.b} ${t.j} ${t.Y} ${t.l}:${t.M} ${t.p} ${odd ? 'EST' : offset === 120 ? 'CEST' : 'CET'}`]);
    const action = { Accepted: 'accept', Rejected: 'reject' }[status];
    if (action && !odd) truth.says({ action, timestamp: minute, source: 'cookieadmin', category: 'cookies', profileId: id, sourceId: '8' });
  }
  save(name, { 'export.csv': php(rows) }, truth, ['--set=timezone=Europe/Berlin', '--set=sourceId=8']);
}

export function contaoCookiebar(name) {
  const c = new Chance(name), truth = new Truth();
  const services = { 3: ['Google Analytics', '_ga,_gid'], 4: ['YouTube', ''], 7: ['Matomo "intern"', '_pk_id'] }, category = { 3: 'analytics', 4: 'video', 7: 'matomo' };
  const rows = [['id', 'config', 'version', 'date', 'time', 'domain', 'url', 'ip', 'confirmed']];
  for (let n = 1; n <= 140; n++) {
    const at = c.time(2021, 2024), minute = at - at % 60000, t = parts(at, berlin(at)), taken = Object.keys(services).filter(() => c.is(0.5));
    const list = taken.map((k, i) => `${i + 1}. ${services[k][0]} (ID: ${k}, Cookie-Names: ${services[k][1]})`);
    const stray = c.is(0.02);
    if (stray) list.push(`${list.length + 1}. Neuer Dienst (ID: 99, Cookie-Names: )`);
    rows.push([n, '1', c.int(1, 4), `${t.d}.${t.m}.${t.Y}`, `${t.H}:${t.M}`, 'www.verein.example', '/über-uns;jsessionid=1?a="b"', '203.0.113.0', list.join('\n')]);
    if (!stray) for (const k in services) truth.says({ action: taken.includes(k) ? 'accept' : 'reject', timestamp: minute, source: 'contao-cookiebar', category: category[k], profileId: `contao-cookiebar-${n}`, sourceId: '2' });
  }
  save(name, { 'export.csv': php(rows, ';') }, truth, ['--set=categories=analytics=3,video=4,matomo=7', '--set=timezone=Europe/Berlin', '--set=record=id', '--set=sourceId=2']);
}
