// Dockerfile and compose.yaml name what exists: the Node that is tested, options of the server, all
// of its parts.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { parse } from 'yaml';
import { OPTIONS, PARTS } from '../../src/config.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const dockerfile = read('Dockerfile');

type Service = {
  readonly environment?: Readonly<Record<string, string>>;
  readonly deploy?: { readonly replicas: number };
  readonly depends_on?: Readonly<Record<string, unknown>>;
};
const compose: { services: Readonly<Record<string, Service>> } = parse(read('compose.yaml'), { merge: true });

it('the image has the Node with which the tests run', () => {
  const { node } = JSON.parse(read('package.json')).devDependencies;
  const versions = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version);
  assert.deepEqual(versions, [node, node]);
});

it('the image copies what exists, and does not run as root', () => {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '));
  assert.ok(copied.length > 2);
  for (const name of copied) assert.ok(existsSync(new URL(`../../${name}`, import.meta.url)), name);
  const end = dockerfile.slice(dockerfile.lastIndexOf('FROM '));
  assert.match(end, /^USER node$/m);
  assert.ok(end.indexOf('USER node') > end.lastIndexOf('\nRUN '), 'root makes the image, and runs nothing in it');
});

it('the image has all that the package has, so that the server finds its pages', () => {
  const { files }: { files: readonly string[] } = JSON.parse(read('package.json'));
  const copied = [...dockerfile.matchAll(/^COPY --from=build (.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const ignored = read('.dockerignore').split('\n');
  for (const name of files) assert.ok(copied.includes(`/build/${name}`), name);
  for (const name of files.filter((name) => name !== 'dist')) assert.ok(!ignored.includes(name), name);
});

it('compose.yaml runs every part at least twice, and sets only options that exist', () => {
  const known = new Set<string>([...Object.values(OPTIONS).map(({ env }) => env), 'HOOKWRIGHT_ENCRYPTION_KEY']);
  const ours = Object.values(compose.services).filter(({ environment }) => environment?.HOOKWRIGHT_PARTS);
  for (const { environment = {}, deploy, depends_on } of ours) {
    for (const name of Object.keys(environment)) assert.ok(known.has(name), name);
    assert.ok((deploy?.replicas ?? 1) >= 2);
    for (const name of Object.keys(depends_on ?? {})) assert.ok(compose.services[name], name);
  }
  const parts = ours.flatMap(({ environment }) => environment?.HOOKWRIGHT_PARTS?.split(',') ?? []);
  assert.deepEqual(parts.toSorted(), [...PARTS].toSorted());
});

it('no password stands in compose.yaml', () => {
  for (const { environment = {} } of Object.values(compose.services)) {
    for (const [name, value] of Object.entries(environment)) {
      if (/PASS|KEY|URL/.test(name) && /PASS|KEY|:\/\/[^@/]*@/.test(value)) assert.match(value, /\$\{\w+:\?/, name);
    }
  }
});
