// Makes common.txt and LICENSE from the npm package @zxcvbn-ts/language-common. To run it again, in this folder:
//
//	dir=$(mktemp -d) && npm install --no-save --prefix "$dir" @zxcvbn-ts/language-common@4.1.3
//	node extract.mjs "$dir/node_modules/@zxcvbn-ts/language-common"
//
// Entries come out unique, in byte order, one a line with a line break after the last, as blocklist.go searches them.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = process.argv[2];
if (!source) throw new Error('usage: node extract.mjs PATH_OF_PACKAGE');

const { version } = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'));
if (version !== '4.1.3') throw new Error(`version ${version}: change this line, the counts in blocklist_test.go and docs/dependencies.md together`);

const entries = [...new Set(JSON.parse(readFileSync(join(source, 'src/passwords.json'), 'utf8')))];
for (const entry of entries) {
  // The search folds what it looks for, so an entry that is not folded could never be found.
  if (!/^[\x21-\x7e]+$/.test(entry) || entry !== entry.toLowerCase()) throw new Error(`entry ${JSON.stringify(entry)} is not folded ASCII`);
}
entries.sort((a, b) => (a < b ? -1 : 1)); // by UTF-16 unit, which for ASCII is by byte
writeFileSync(new URL('common.txt', import.meta.url), entries.join('\n') + '\n');
copyFileSync(join(source, 'LICENSE.txt'), new URL('LICENSE', import.meta.url));
console.log(`${entries.length} entries`);
