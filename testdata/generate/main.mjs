// Writes the example exports of testdata/exports and what must come out of
// them:
//
//	node testdata/generate/main.mjs            all of them
//	node testdata/generate/main.mjs onetrust   only these
//
// want.jsonl is written from what the generator knows about each person, not
// by the importer: the example and its truth come from the same model, the
// importer is measured against it. A change here is a change of what the
// presets promise.
import * as banner from './banner.mjs';
import * as canonical from './canonical.mjs';
import * as didomi from './didomi.mjs';
import * as marketing from './marketing.mjs';
import * as onetrust from './onetrust.mjs';
import * as segment from './segment.mjs';
import * as transcend from './transcend.mjs';
import * as wordpress from './wordpress.mjs';

const examples = { ...banner, ...canonical, ...didomi, ...marketing, ...onetrust, ...segment, ...transcend, ...wordpress };

// exported names are the presets' names in camel case
const named = Object.fromEntries(Object.entries(examples).map(([k, f]) => [k.replace(/[A-Z]/g, c => '-' + c.toLowerCase()), f]));
const wanted = process.argv.slice(2);
for (const name of wanted) if (!named[name]) throw new Error(`no example is called ${name}`);
for (const [name, make] of Object.entries(named)) if (!wanted.length || wanted.includes(name)) make(name);
