// Writes gpp.jsonl: GPP strings made by @iabgpp/cmpapi 3.2.0, an encoder that
// shares no code with ours, and the elements that must come out. To run it:
//
//	npm install --no-save @iabgpp/cmpapi@3.2.0 && node gpp-vectors.mjs > gpp.jsonl
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const { GppModel } = require('@iabgpp/cmpapi');

let state = 20260502;
const random = (n) => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return Math.floor(state / 2 ** 32 * n); };

const three = ['SaleOptOut', 'SharingOptOut', 'TargetedAdvertisingOptOut'];
const two = ['SaleOptOut', 'TargetedAdvertisingOptOut'];
const sections = [
  ['usnat', three], ['usca', ['SaleOptOut', 'SharingOptOut']], ['usva', two], ['usco', two], ['usut', two], ['usct', two],
  ['usfl', two], ['usmt', two], ['usor', two], ['ustx', two], ['usde', two], ['usia', two], ['usne', two], ['usnh', two],
  ['usnj', two], ['ustn', two], ['usmn', two], ['usmd', two], ['usin', two], ['usky', two], ['usri', two],
];
const words = [, 'opted-out', 'not-opted-out'];

for (let i = 0; i < 80; i++) {
  const m = new GppModel();
  const elements = [];
  let created = 0;
  // A model on its own for each kind of string: sections come in order of id.
  if (i % 3 === 0) {
    const at = new Date(Date.UTC(2021 + random(5), random(12), 1 + random(28)));
    const consents = Array.from({ length: 24 }, () => random(2) === 1);
    m.setFieldValue('tcfeuv2', 'PurposeConsents', consents);
    m.setFieldValue('tcfeuv2', 'VendorConsents', [1, 2, 28, 700 + random(90)]);
    m.setFieldValue('tcfeuv2', 'Created', at);
    m.setFieldValue('tcfeuv2', 'LastUpdated', at);
    created = +at;
    consents.forEach((yes, k) => elements.push([`tcfeuv2.${k + 1}`, String(yes)]));
  }
  if (i % 5 === 0) m.setFieldValue('tcfcav1', 'CmpId', 50); // not read, passed over
  if (i % 4 === 0) {
    const out = random(3);
    m.setFieldValue('uspv1', 'Version', 1);
    m.setFieldValue('uspv1', 'Notice', 'Y');
    m.setFieldValue('uspv1', 'OptOutSale', '-YN'[out]);
    m.setFieldValue('uspv1', 'LspaCovered', 'N');
    if (out) elements.push(['uspv1.OptOutSale', words[out]]);
  }
  sections.forEach(([name, fields], k) => {
    if (i !== 79 && k !== i % sections.length && random(5) !== 0) return;
    if (name === 'usnat') m.setFieldValue(name, 'Version', 1 + random(2));
    for (const field of fields) {
      const out = random(3);
      m.setFieldValue(name, field.replace('OptOut', 'OptOutNotice'), out ? 1 : 0);
      m.setFieldValue(name, field, out);
      if (out) elements.push([`${name}.${field}`, words[out]]);
    }
    if (name === 'usnat' && random(2)) { m.setFieldValue(name, 'GpcSegmentIncluded', true); m.setFieldValue(name, 'Gpc', true); }
  });
  const string = m.encode();
  console.log(JSON.stringify({ string, created, elements }));
}
