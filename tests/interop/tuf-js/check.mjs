// SPDX-License-Identifier: MIT
// Verdicts of tuf-js and of our tool on one repository and its spoilt copies.
// usage: check.mjs TOOL WORK-DIRECTORY
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { Updater } from 'tuf-js';
import { Repository, keyObject } from './repository.mjs';

const TARGET = 'demo/1.cbm';
const FORMAT = 201, SIGNATURE = 202, EXPIRED = 203, ROLLBACK = 204, HASH = 205, LIMIT = 207, MANIFEST = 302;
const LONG_AGO = '2020-01-01T00:00:00Z';

const [tool, work] = process.argv.slice(2);
const stranger = generateKeyPairSync('ed25519').privateKey;
const repository = new Repository(tool, work);

// ---- Variants: name, change, our code; tuf-js refuses them, too ----

const refusedByBoth = [];
const refuse = (name, code, change) => refusedByBoth.push({ name, code, change });

for (const role of ['timestamp', 'snapshot', 'targets', 'accounts']) {
	refuse(`${role}: content changed`, SIGNATURE, (v) =>
		v.tamper(role, (f) => { f.signed.spec_version = '1.0.30'; }));
	refuse(`${role}: expired`, EXPIRED, (v) => v.edit(role, (s) => {
		s.expires = LONG_AGO;
		if (s['x-chunkboot']?.issued)
			s['x-chunkboot'].issued = LONG_AGO;
	}));
	refuse(`${role}: signed by another role`, SIGNATURE, (v) =>
		v.edit(role, () => {}, { by: role === 'snapshot' ? 'timestamp' : 'snapshot' }));
	refuse(`${role}: signature altered`, SIGNATURE, (v) => v.tamper(role, (f) => {
		const sig = f.signatures[0].sig;
		f.signatures[0].sig = (sig[0] === '0' ? '1' : '0') + sig.slice(1);
	}));
	refuse(`${role}: no signature`, SIGNATURE, (v) => v.tamper(role, (f) => { f.signatures = []; }));
	refuse(`${role}: truncated`, FORMAT, (v) => v.rewrite(role, (text) => text.slice(0, -1)));
	refuse(`${role}: other type`, FORMAT, (v) => v.edit(role, (s) => { s._type = 'root'; }));
}

for (const role of ['snapshot', 'targets', 'accounts']) {
	const parent = role === 'snapshot' ? 'timestamp' : 'snapshot';
	const inParent = (change) => (v) => v.edit(parent, (s) => change(s.meta[`${role}.json`]));
	refuse(`${role}: changed, hash not`, HASH, (v) =>
		v.edit(role, (s) => { s['x-new'] = 1; }, { relink: false }));
	refuse(`${role}: other hash`, HASH, inParent((m) => {
		m.hashes.sha256 = m.hashes.sha256.replace(/^./, (c) => (c === '0' ? '1' : '0'));
	}));
	refuse(`${role}: length too large`, HASH, inParent((m) => { m.length++; }));
	refuse(`${role}: length too small`, HASH, inParent((m) => { m.length--; }));
	refuse(`${role}: version above the listed one`, FORMAT, (v) => v.edit(role, (s) => { s.version++; }));
	refuse(`${role}: version below the listed one`, ROLLBACK, (v) => {
		v.files[v.names[role].replace(/\d+/, (n) => Number(n) + 1)] = v.files[v.names[role]];
		v.edit(parent, (s) => { s.meta[`${role}.json`].version++; });
	});
}

refuse('root: signed by a stranger', SIGNATURE, (v) => v.addRoot(() => {}, [stranger]));
refuse('root: version left out', FORMAT, (v) => v.addRoot((s) => { s.version = 3; }));
refuse('root: version not raised', ROLLBACK, (v) => v.addRoot((s) => { s.version = 1; }));
refuse('root: expired', EXPIRED, (v) => v.addRoot((s) => { s.expires = LONG_AGO; }));
refuse('root: threshold 0', FORMAT, (v) => v.addRoot((s) => { s.roles.timestamp.threshold = 0; }));
refuse('root: threshold not met', SIGNATURE, (v) => v.addRoot((s) => { s.roles.root.threshold = 2; }));

// Only who downloads the target sees these.
const manifestPath = `manifests/demo/${repository.variant().read('targets').signed.targets[TARGET].hashes.sha256}.1.cbm`;
const manifest = readFileSync(join(repository.dir, manifestPath));
const flipped = Buffer.from(manifest);
flipped[100] ^= 1;
refuse('target: content changed', MANIFEST, (v) => { v.files[manifestPath] = flipped; });
refuse('target: truncated', MANIFEST, (v) => { v.files[manifestPath] = manifest.subarray(0, -1); });
refuse('target: other hash', MANIFEST, (v) => {
	const other = '0'.repeat(64);
	v.edit('targets', (s) => { s.targets[TARGET].hashes.sha256 = other; });
	v.files[manifestPath.replace(/[0-9a-f]{64}/, other)] = manifest;
});
refuse('target: other length', MANIFEST, (v) => v.edit('targets', (s) => { s.targets[TARGET].length++; }));

// ---- What only our strict profile refuses (DESIGN §5.3): the whole list ----

const refusedByUs = [];
const strict = (name, code, change) => refusedByUs.push({ name, code, change });

strict('white space after the file', FORMAT, (v) => v.rewrite('timestamp', (t) => `${t}\n`));
strict('white space inside', FORMAT, (v) => v.rewrite('targets', (t) => t.replace('"signed":', '"signed": ')));
strict('escapes without need', FORMAT, (v) => v.rewrite('snapshot', (t) => t.replace('"_type"', '"\\u005ftype"')));
strict('members out of order', FORMAT, (v) => v.rewrite('timestamp', (t) => {
	const f = JSON.parse(t);
	return JSON.stringify({ signed: f.signed, signatures: f.signatures });
}));
strict('no hashes for snapshot', FORMAT, (v) => v.edit('timestamp', (s) => { delete s.meta['snapshot.json'].hashes; }));
strict('no length for snapshot', FORMAT, (v) => v.edit('timestamp', (s) => { delete s.meta['snapshot.json'].length; }));
strict('no hashes for targets', FORMAT, (v) => v.edit('snapshot', (s) => { delete s.meta['targets.json'].hashes; }));
strict('no length for accounts', FORMAT, (v) => v.edit('snapshot', (s) => { delete s.meta['accounts.json'].length; }));
strict('a number with a fraction', FORMAT, (v) => v.rewrite('timestamp', (t) => t.replace(/"version":(\d+),"x-/, '"version":$1.0,"x-')));
strict('keyid that is not the digest', FORMAT, (v) => v.addRoot((s) => {
	s.keys['0'.repeat(64)] = keyObject(stranger);
}));
strict('issued more than 30 days before it expires', FORMAT, (v) => v.edit('timestamp', (s) => {
	s['x-chunkboot'].issued = LONG_AGO;
}));
strict('accounts lists a target', FORMAT, (v) => v.edit('accounts', (s) => {
	s.targets['accounts/a/b'] = { length: 1, hashes: { sha256: '0'.repeat(64) } };
}));
strict('delegation that is not terminating', FORMAT, (v) => v.edit('targets', (s) => {
	s.delegations.roles[0].terminating = false;
}));
strict('delegation of more paths', FORMAT, (v) => v.edit('targets', (s) => {
	s.delegations.roles[0].paths.push('more/*/*');
}));
strict('custom that does not fit the path', FORMAT, (v) => v.edit('targets', (s) => {
	s.targets[TARGET].custom.name = 'other';
}));
strict('17 signatures', LIMIT, (v) => v.tamper('timestamp', (f) => {
	for (let i = 0; i < 16; i++)
		f.signatures.push({ keyid: String(i).padStart(64, '0'), sig: f.signatures[0].sig });
}));

// ---- tuf-js ----

let current;
const server = createServer((request, response) => {
	const bytes = current.serve(request.url.slice(1));
	response.writeHead(bytes === undefined ? 404 : 200);
	response.end(bytes);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const base = `http://127.0.0.1:${server.address().port}`;

// Metadata, the delegated role and one target; undefined, or the error that stopped it.
async function askTufJs(variant) {
	const dir = join(work, 'client');
	rmSync(dir, { recursive: true, force: true });
	mkdirSync(dir);
	writeFileSync(join(dir, 'root.json'), variant.files['metadata/1.root.json']);
	current = variant;
	const updater = new Updater({
		metadataDir: dir,
		metadataBaseUrl: `${base}/metadata`,
		targetDir: dir,
		targetBaseUrl: `${base}/manifests`,
		config: { fetchRetries: 0, fetchRetry: 0 },
	});
	try {
		await updater.refresh();
		await updater.getTargetInfo('accounts/no/body');
		const file = await updater.downloadTarget(await updater.getTargetInfo(TARGET));
		if (!readFileSync(file).equals(manifest))
			return new Error('other bytes than the manifest');
		return undefined;
	} catch (error) {
		return error;
	}
}

// ---- Ours: the code of the error, 0 for none ----

function askUs(variant) {
	const dir = join(work, 'copy');
	variant.materialise(dir);
	const run = spawnSync(tool, ['verify', dir, '--json'], { encoding: 'utf8' });
	if (run.status === 0)
		return 0;
	const lines = run.stdout.trim().split('\n').map((line) => JSON.parse(line));
	const error = lines.find((line) => line.type === 'error');
	if (run.status !== 3)
		throw new Error(`verify ended with ${run.status}: ${run.stdout}${run.stderr}`);
	return Number(String(error.code).replace(/\D/g, ''));
}

// ---- Verdicts ----

let failures = 0;
function report(name, problem) {
	console.log(problem === undefined ? `ok ${name}` : `not ok ${name}: ${problem}`);
	failures += problem === undefined ? 0 : 1;
}

async function judge({ name, code, change }, tufJsRefuses) {
	const variant = repository.variant();
	change(variant);
	const ours = askUs(variant);
	const theirs = await askTufJs(variant);
	if (ours !== code)
		report(name, `our code is ${ours} instead of ${code}`);
	else if ((theirs !== undefined) !== tufJsRefuses)
		report(name, `tuf-js: ${theirs ?? 'accepts it'}`);
	else
		report(name);
}

await judge({ name: 'as the tool made it', code: 0, change: () => {} }, false);
await judge({ name: 'root rotated', code: 0, change: (v) => v.addRoot(() => {}) }, false);
await judge({ name: 'signed again by node', code: 0, change: (v) => v.edit('targets', () => {}) }, false);
for (const variant of refusedByBoth)
	await judge(variant, true);
for (const variant of refusedByUs)
	await judge({ ...variant, name: `strict: ${variant.name}` }, false);
server.close();
server.closeAllConnections();
process.exitCode = failures === 0 ? 0 : 1;
