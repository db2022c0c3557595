// One small export for each way in which a file can lie about what people
// decided: the traps. Each has its mapping, what must come out of it (want.jsonl)
// and the rows that make no consent, as "row status words-of-the-reason"
// (outcomes); or the words with which it is refused as a whole (refused).
//
//	node testdata/generate/traps.mjs
import fs from 'node:fs';
import path from 'node:path';
import { Truth, bom, gzip, latin1, utf16, zip } from './lib.mjs';

const root = path.join(import.meta.dirname, '..', 'traps');
const T = Date.UTC(2024, 2, 5, 13, 4, 5), noon = '2024-03-05T13:04:05Z';

// mapping is the plain one, with other lines where a trap needs them.
const mapping = (over = {}) => {
  const m = { name: 'trap', userId: 'id', action: '{from: choice, values: {"yes": accept, "no": reject}}', timestamp: 'at', category: '{const: news}', top: '', ...over };
  return `name: ${m.name}\n${m.top}consent:\n  userId: ${m.userId}\n${m.email ? `  email: ${m.email}\n` : ''}  action: ${m.action}\n  timestamp: ${m.timestamp}\n  validUntil: unlimited\n  source: {const: trap}\n  category: ${m.category}\n`;
};

// trap writes one; says lists [userId, action, more] for what must come out.
function trap(name, { files, over, says = [], outcomes = [], refused }) {
  const dir = path.join(root, name), truth = new Truth();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  if (typeof files === 'string' || Buffer.isBuffer(files)) files = { 'export.csv': files };
  for (const [f, data] of Object.entries(files)) fs.writeFileSync(path.join(dir, f), data);
  fs.writeFileSync(path.join(dir, 'mapping.yaml'), mapping(over));
  for (const [userId, action, more] of says) truth.says({ userId, action, timestamp: T, source: 'trap', category: 'news', ...more });
  fs.writeFileSync(path.join(dir, 'want.jsonl'), truth.text());
  if (outcomes.length) fs.writeFileSync(path.join(dir, 'outcomes'), outcomes.map(o => o + '\n').join(''));
  if (refused) fs.writeFileSync(path.join(dir, 'refused'), refused + '\n');
}

const two = [['ä1', 'accept'], ['b2', 'reject']];
const table = (d = ',', eol = '\n') => [`id${d}choice${d}at`, `ä1${d}yes${d}${noon}`, `b2${d}no${d}${noon}`].join(eol) + eol;

// 1 byte order mark before a quoted heading
trap('01-bom-quoted-header', { files: bom + '"id","choice","at"\n' + `ä1,yes,${noon}\nb2,no,${noon}\n`, says: two });
// 2 encodings
trap('02-utf16le-bom', { files: utf16(table()), says: two });
trap('02-utf16be-bare', { files: Buffer.from(table(), 'utf16le').swap16(), says: two });
trap('02-windows-1252', { files: latin1(table()), over: { top: 'input: {encoding: windows-1252}\n' }, says: two });
trap('02-windows-1252-unsaid', { files: latin1(table()), says: [two[1]], outcomes: ['1 invalid --encoding'] });
// 3 delimiters
trap('03-semicolon', { files: table(';'), says: two });
trap('03-tab', { files: { 'export.tsv': table('\t') }, says: two });
trap('03-pipe', { files: table('|'), says: two });
trap('03-sep-line', { files: 'sep=;\r\n' + table(';', '\r\n'), says: two });
// 4 line ends
trap('04-lone-cr', { files: table(',', '\r'), says: two });
trap('04-crlf-no-last', { files: table(',', '\r\n').slice(0, -2), says: two });
// 5 PHP: a quote after a backslash is not doubled
trap('05-php-backslash', { files: `id,choice,at,agent\nä1,yes,${noon},"Mozilla \\"x\\", like Gecko"\nb2,no,${noon},-\n`, says: two });
// 6 a quote that never closes: one row is lost, not the rest
trap('06-open-quote', { files: `id,choice,at\nä1,yes,${noon}\nx9,yes,"${noon}\nb2,no,${noon}\n`, says: two, outcomes: ['2 invalid quote'] });
// 7 ragged rows, footers, preambles, headings again
trap('07-ragged', { files: `id,choice,at\nä1,yes,${noon}\nx9,yes\nx8,yes,${noon},,\n\nb2,no,${noon}\nTotal: 4\n`, says: two, outcomes: ['2 invalid cell', '3 invalid cell', '5 invalid cell'] });
trap('07-preamble', { files: `Consent report\nfrom 2024-01-01 to 2024-12-31\n` + table(), over: { top: 'input: {skipLines: 2}\n' }, says: two });
trap('07-header-again', { files: `id,choice,at\nä1,yes,${noon}\nid,choice,at\nb2,no,${noon}\n`, says: two, outcomes: ['2 invalid'] });
trap('07-header-in-parts', { files: { 'export.1.csv': table().split('\n').slice(0, 2).join('\n') + '\n', 'export.2.csv': `at;id;choice\n${noon};b2;no\n` }, says: two });
// 8 headings: twice, with blanks that are not blanks, in another case
trap('08-duplicate-unused', { files: `id,note,choice,note,at\nä1,a,yes,b,${noon}\nb2,a,no,b,${noon}\n`, says: two });
trap('08-duplicate-used', { files: `id,choice,choice,at\nä1,yes,no,${noon}\n`, refused: 'choice' });
trap('08-nbsp', { files: `id\u00a0,choice, at\nä1,yes,${noon}\nb2,no,${noon}\n`, refused: 'did you mean' });
trap('08-missing', { files: `id,chioce,at\nä1,yes,${noon}\n`, refused: 'did you mean' });
// 9 blanks before a quote
trap('09-space-quote', { files: `id,choice,at,note\nä1,yes,${noon}, "a, b"\nb2,no,${noon}, "c"\n`, says: two });
// 10 units of epochs: one for the whole column, told by size
trap('10-seconds', { files: `id,choice,at\nä1,yes,${T / 1000}\nb2,no,${T / 1000}\n`, says: two });
trap('10-milliseconds', { files: `id,choice,at\nä1,yes,${T}\nb2,no,${T}\n`, says: two });
trap('10-scientific', { files: `id,choice,at\nä1,yes,1.7096E+12\nb2,no,${T}\n`, says: [two[1]], outcomes: ['1 invalid at'] });
// 11 no zone
trap('11-no-zone', { files: `id,choice,at\nä1,yes,2024-03-05 13:04:05\n`, outcomes: ['1 invalid at'] });
trap('11-zone-given', { files: `id,choice,at\nä1,yes,2024-03-05 14:04:05\nb2,no,2024-07-05 15:04:05\n`, over: { top: 'timezone: Europe/Berlin\n' }, says: [two[0], ['b2', 'reject', { timestamp: Date.UTC(2024, 6, 5, 13, 4, 5) }]] });
trap('11-fixed-offset', { files: `id,choice,at\nä1,yes,2024-03-05 07:04:05\nb2,no,2024-07-05 07:04:05\n`, over: { top: 'timezone: Etc/GMT+6\n' }, says: [two[0], ['b2', 'reject', { timestamp: Date.UTC(2024, 6, 5, 13, 4, 5) }]] });
// 12 zone abbreviations are never silently UTC
trap('12-cet', { files: `id,choice,at\nä1,yes,2024-03-05 14:04:05 CET\nb2,no,${noon}\n`, says: [two[1]], outcomes: ['1 invalid at'] });
trap('12-cet-named', { files: `id,choice,at\nä1,yes,2024-03-05 14:04:05 CET\nb2,no,2024-03-05 14:04:05 EST\n`, over: { timestamp: '{from: at, format: "%Y-%m-%d %H:%M:%S %Z", timezone: Europe/Berlin}' }, says: [two[0]], outcomes: ['2 invalid at'] });
// 13 forms of times
trap('13-iso-variants', { files: 'id,choice,at\na,yes,2024-03-05T13:04:05+0000\nb,yes,2024-03-05 13:04:05Z\nc,yes,2024-03-05T14:04:05.000+01:00\nd,yes,2024-03-05T13:04:05.000000000Z\ne,yes,2024-03-05T13:04Z\n', says: ['a', 'b', 'c', 'd'].map(x => [x, 'accept']).concat([['e', 'accept', { timestamp: T - 5000 }]]) });
trap('13-fraction-offset', { files: 'id,choice,at\nä1,yes,2024-03-05 06:04:05.000000000 -07:00\n', over: { timestamp: '{from: at, format: ["%Y-%m-%d %H:%M:%S.%f %z", iso8601]}' }, says: [two[0]] });
trap('13-day-first', { files: 'id,choice,at\nä1,yes,05.03.2024 13:04:05\nb2,no,13.13.2024 13:04:05\n', over: { timestamp: '{from: at, format: "%d.%m.%Y %H:%M:%S", timezone: UTC}' }, says: [two[0]], outcomes: ['2 invalid at'] });
trap('13-am-pm', { files: 'id,choice,at\nä1,yes,"Mar 05, 2024 01:04:05 PM"\nb2,no,"Mar 05, 2024 13:04:05 PM"\n', over: { timestamp: '{from: at, format: "%b %d, %Y %I:%M:%S %p", timezone: UTC}' }, says: [two[0]], outcomes: ['2 invalid at'] });
trap('13-excel-serial', { files: 'id,choice,at\nä1,yes,45356.5445023148\nb2,no,45356.5445023148\n', over: { timestamp: '{from: at, format: excel, timezone: UTC}' }, says: two });
trap('13-date-undecidable', { files: 'id,choice,at\nä1,yes,03/05/2024\n', outcomes: ['1 invalid at'] });
// 14 and 15 words that decide nothing
trap('14-words', { files: 'id,choice,at\n' + ['yes', 'YES', ' Yes ', 'no', '', 'wait', 'NEVER_SUBSCRIBED', 'did-not-subscribe', 'PENDING', 'NO_CHOICE', 'Auto', 'V', 'null', 'implied', 'default', 'y', 'yes!'].map((w, i) => `u${i + 1},${w},${noon}\n`).join(''),
  says: [['u1', 'accept'], ['u2', 'accept'], ['u3', 'accept'], ['u4', 'reject']], outcomes: ['5 skipped', ...Array.from({ length: 12 }, (_, i) => `${i + 6} invalid choice`)] });
// 16 the state stands in the name of the file
trap('16-file-name', { files: { 'export.zip': zip({ 'subscribed_members_export_1.csv': `id,at\nä1,${noon}\n`, 'unsubscribed_members_export_1.csv': `id,at\nb2,${noon}\n`, 'members.csv': `id,at\nx9,${noon}\n` }) }, over: { action: '{from: $file, values: {subscribed_members_export_1.csv: accept, unsubscribed_members_export_1.csv: reject}}' }, says: two, outcomes: ['1 invalid $file'] });
// 18 ids
trap('18-ids', { files: `id,choice,at\n0012345,yes,${noon}\n9007199254740993,yes,${noon}\nNULL,yes,${noon}\n—,yes,${noon}\n" ",yes,${noon}\n`, over: { top: 'empty: ["", "NULL", "—"]\n', userId: '{from: id, trim: true}' }, says: [['0012345', 'accept'], ['9007199254740993', 'accept']], outcomes: ['3 invalid', '4 invalid', '5 invalid'] });
// 19 archives
trap('19-zip-of-zips', { files: { 'export.zip': zip({ 'day1.zip': zip({ 'a.csv': table() }), 'day2.zip': zip({ 'b.csv': `id,choice,at\nc3,yes,${noon}\n` }) }) }, says: [...two, ['c3', 'accept']] });
trap('19-mac-leftovers', { files: { 'export.zip': zip({ 'consents.csv': table(), '__MACOSX/._consents.csv': '\0\x05\x16\x07', '.DS_Store': '\0\0\0\x01Bud1' }) }, says: two });
trap('19-gzip-members', { files: { 'export.csv.gz': Buffer.concat([gzip(table().slice(0, 20)), gzip(table().slice(20))]) }, says: two });
trap('19-wrong-extension', { files: { 'export.csv': gzip(table()) }, says: two });
trap('19-xlsx', { files: { 'export.csv': zip({ '[Content_Types].xml': '<Types/>', 'xl/workbook.xml': '<workbook/>', 'xl/worksheets/sheet1.xml': '<worksheet/>' }) }, refused: 'excel' });
trap('19-cut-gzip', { files: { 'export.csv.gz': gzip(table()).subarray(0, 40) }, refused: 'gzip' });
// 20 a cell of 70 kB, which a scanner of lines would not take
trap('20-huge-cell', { files: { 'export.csv.gz': gzip(`id,choice,at,tc\nä1,yes,${noon},${'C'.repeat(70000)}\nb2,no,${noon},\n`) }, says: two });
trap('20-huge-line', { files: { 'export.jsonl.gz': gzip(`{"id":"ä1","choice":"yes","at":"${noon}","tc":"${'C'.repeat(70000)}"}\n{"id":"b2","choice":"no","at":"${noon}"}\n`) }, says: two });
// 21 JSON
const objects = [`{"id":"ä1","choice":"yes","at":"${noon}"}`, `{"id":"b2","choice":"no","at":"${noon}"}`];
trap('21-array', { files: { 'export.json': `\ufeff[\n  ${objects.join(',\n  ')}\n]\n` }, says: two });
trap('21-lines', { files: { 'export.json': objects.join('\n') }, says: two });
trap('21-page', { files: { 'export.json': `{"total":2,"data":[${objects.join(',')}],"next":null}` }, over: { top: 'input: {format: jsonl, rows: data}\n' }, says: two });
trap('21-null-absent', { files: { 'export.jsonl': `{"id":"ä1","choice":null,"at":"${noon}"}\n{"id":"b2","at":"${noon}"}\n{"id":null,"choice":"yes","at":"${noon}"}\n` }, outcomes: ['1 skipped', '2 skipped', '3 invalid'] });
trap('21-big-number', { files: { 'export.jsonl': `{"id":9007199254740993,"choice":"yes","at":"${noon}"}\n` }, says: [['9007199254740993', 'accept']] });
trap('21-boolean', { files: { 'export.jsonl': `{"id":"ä1","choice":true,"at":"${noon}"}\n{"id":"b2","choice":"false","at":"${noon}"}\n{"id":"x9","choice":1,"at":"${noon}"}\n{"id":"x8","choice":[true],"at":"${noon}"}\n` }, over: { action: '{from: choice, values: {"true": accept, "false": reject}}' }, says: two, outcomes: ['3 invalid choice', '4 invalid choice'] });
// the last of two keys counts, as for every reader of JSON
trap('21-duplicate-keys', { files: { 'export.jsonl': `{"id":"x9","choice":"no","at":"${noon}","choice":"yes"}\n${objects[1]}\n` }, says: [['x9', 'accept'], two[1]] });
trap('21-js-literal', { files: { 'export.jsonl': `{id:'x9',choice:'yes',at:'${noon}'}\n{"id":"x8","choice":"yes","at":"${noon}",}\n${objects.join('\n')}\n` }, over: { top: 'input: {format: jsonl}\n' }, says: two, outcomes: ['1 invalid', '2 invalid'] });
trap('21-encoded-twice', { files: { 'export.jsonl': JSON.stringify(objects[0]) + '\n' + objects[1] + '\n' }, over: { top: 'input: {format: jsonl}\n' }, says: [two[1]], outcomes: ['1 invalid'] });
// JSON in a cell: plain, encoded twice, with HTML entities, percent-encoded
const inCell = v => `"${v.replaceAll('"', '""')}"`;
trap('21-cell', { files: `id,choice,at\nä1,${inCell('{"news":true}')},${noon}\nb2,${inCell('{"news":false}')},${noon}\nx9,${inCell(JSON.stringify('{"news":true}'))},${noon}\nx8,"{&quot;news&quot;:true}",${noon}\nx7,%7B%22news%22%3Atrue%7D,${noon}\n`,
  over: { top: 'input: {json: [choice]}\neach: {object: choice}\n', action: '{from: each.value, values: {"true": accept, "false": reject}}', category: 'each.key' }, says: [...two, ['x9', 'accept'], ['x8', 'accept'], ['x7', 'accept']] });
// 22 apostrophes against formulas
trap('22-apostrophe', { files: `id,choice,at\n'ä1,yes,${noon}\nb2,no,${noon}\n`, over: { userId: `{from: id, match: "^'?(.+)$"}` }, says: two });
// 23 HTML entities, marks of direction
trap('23-html', { files: `id,choice,at\no&#039;neill,yes,${noon}\nb&amp;b,no,${noon}\n`, over: { userId: '{from: id, unescape: html}' }, says: [["o'neill", 'accept'], ['b&b', 'reject']] });
trap('23-right-to-left', { files: `id,choice,at\nä1,\u200eyes,${noon}\nb2,no,${noon}\n`, says: [two[1]], outcomes: ['1 invalid choice'] });
// 24 test data
trap('24-test-data', { files: { 'export.jsonl': `{"id":"x9","test":true,"choice":"yes","at":"${noon}"}\n{"id":"ä1","test":false,"choice":"yes","at":"${noon}"}\n` }, over: { top: 'skip:\n  - {when: test == true, reason: test data}\n' }, says: [two[0]], outcomes: ['1 skipped test data'] });
