// SPDX-License-Identifier: MIT
// A repository made by our tool, and changed copies of it: signed with its own keys, through Node's crypto.
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalize } from '@tufjs/canonical-json';

const KEY_FILES = {
	root: 'offline/root.pem',
	targets: 'offline/targets.pem',
	snapshot: 'online/snapshot.pem',
	timestamp: 'online/timestamp.pem',
	accounts: 'online/accounts.pem',
};
const PARENT = { snapshot: 'timestamp', targets: 'snapshot', accounts: 'snapshot' };

// The least that passes for an EFI application: PE32+ headers and one section.
function tinyApplication() {
	const b = Buffer.alloc(4096, 0);
	b.write('MZ', 0, 'latin1');
	b.writeUInt32LE(0x80, 0x3c);
	b.write('PE', 0x80, 'latin1');
	b.writeUInt16LE(0x8664, 0x84);
	b.writeUInt16LE(1, 0x86);
	b.writeUInt16LE(0xf0, 0x94);
	b.writeUInt16LE(0x22, 0x96);
	const optional = 0x98;
	b.writeUInt16LE(0x20b, optional);
	b.writeUInt32LE(4096, optional + 32);
	b.writeUInt32LE(512, optional + 36);
	b.writeUInt32LE(8192, optional + 56);
	b.writeUInt32LE(512, optional + 60);
	b.writeUInt16LE(10, optional + 68);
	b.writeUInt32LE(16, optional + 108);
	const section = optional + 0xf0;
	b.write('.text', section, 'latin1');
	for (const [i, v] of [512, 4096, 512, 512].entries())
		b.writeUInt32LE(v, section + 8 + 4 * i);
	return b;
}

export class Repository {
	constructor(tool, work) {
		this.dir = join(work, 'repo');
		this.keysDir = join(work, 'keys');
		const application = join(work, 'application.efi');
		writeFileSync(application, tinyApplication());
		const run = (...args) => execFileSync(tool, args, { stdio: ['ignore', 'pipe', 'inherit'] });
		run('init', this.dir, '--keys', this.keysDir, '--kdf', 'small', '--title', 'R\u00e9alm "1" \\ / \u20ac');
		run('publish', this.dir, 'demo', '--keys', this.keysDir, '--version', '1', '--efi', application);
		run('refresh', this.dir, '--keys', this.keysDir);
		this.keys = {};
		for (const [role, file] of Object.entries(KEY_FILES))
			this.keys[role] = createPrivateKey(readFileSync(join(this.keysDir, file)));
	}

	metadata() {
		const files = {};
		for (const name of readdirSync(join(this.dir, 'metadata')))
			files[`metadata/${name}`] = readFileSync(join(this.dir, 'metadata', name));
		return files;
	}

	// A fresh set of changes to this repository.
	variant() {
		return new Variant(this);
	}
}

export function keyId(key) {
	return createHash('sha256').update(canonicalize(keyObject(key))).digest('hex');
}

export function keyObject(key) {
	const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
	return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: raw.toString('hex') } };
}

export class Variant {
	constructor(repository) {
		this.repository = repository;
		this.files = repository.metadata(); // path: bytes
		this.names = { timestamp: 'metadata/timestamp.json' };
		for (const role of ['snapshot', 'targets', 'accounts'])
			this.names[role] = this.newest(role);
	}

	newest(role) {
		const version = (path) => Number(/\/(\d+)\./.exec(path)[1]);
		const paths = Object.keys(this.files).filter((p) => p.endsWith(`.${role}.json`));
		return paths.sort((a, b) => version(b) - version(a))[0];
	}

	read(role) {
		return JSON.parse(this.files[this.names[role]].toString());
	}

	// Writes JSON canonically, or bytes as they are; the files that list it follow, unless told otherwise.
	write(role, content, { relink = true } = {}) {
		this.files[this.names[role]] = Buffer.isBuffer(content) ? content : Buffer.from(canonicalize(content));
		if (relink && PARENT[role])
			this.relink(role);
	}

	relink(role, edit = () => {}) {
		const bytes = this.files[this.names[role]];
		this.edit(PARENT[role], (signed) => {
			const entry = signed.meta[`${role}.json`];
			entry.length = bytes.length;
			entry.hashes = { sha256: createHash('sha256').update(bytes).digest('hex') };
			edit(entry, signed);
		});
	}

	// Changes what is signed, and signs it with the role's key, or another's.
	edit(role, change, { by = role, relink = true } = {}) {
		const file = this.read(role);
		change(file.signed);
		file.signatures = [this.signature(file.signed, this.repository.keys[by])];
		this.write(role, file, { relink });
	}

	// Changes the file, signatures and all.
	tamper(role, change, options) {
		const file = this.read(role);
		change(file);
		this.write(role, file, options);
	}

	// Rewrites the file's text.
	rewrite(role, change, options) {
		this.write(role, Buffer.from(change(this.files[this.names[role]].toString())), options);
	}

	signature(signed, key) {
		return { keyid: keyId(key), sig: sign(null, Buffer.from(canonicalize(signed)), key).toString('hex') };
	}

	// A second root, signed by the first one's key and more.
	addRoot(change, signers = [this.repository.keys.root]) {
		const file = JSON.parse(this.files['metadata/1.root.json'].toString());
		file.signed.version = 2;
		change(file.signed);
		file.signatures = signers.map((key) => this.signature(file.signed, key));
		this.files['metadata/2.root.json'] = Buffer.from(canonicalize(file));
		this.files['metadata/root.json'] = this.files['metadata/2.root.json'];
	}

	// The whole repository with these changes, for a client that reads directories.
	materialise(dir) {
		rmSync(dir, { recursive: true, force: true });
		cpSync(this.repository.dir, dir, { recursive: true });
		for (const [path, bytes] of Object.entries(this.files))
			writeFileSync(join(dir, path), bytes);
	}

	// What a web server would answer; undefined for 404.
	serve(path) {
		if (path in this.files)
			return this.files[path];
		const file = join(this.repository.dir, path);
		return existsSync(file) ? readFileSync(file) : undefined;
	}
}
