// As whom PostgreSQL runs and to whom its files belong. PostgreSQL refuses to run as root, so root
// runs it as somebody else.
import { chown, stat } from 'node:fs/promises';
import { run } from './run.ts';

export type Owner = { readonly uid: number; readonly gid: number };

/** `nobody` on every Linux that we know. */
const NOBODY: Owner = { uid: 65534, gid: 65534 };

export type Identity = {
  /** What the server and initdb run as; undefined: as we do ourselves. */
  readonly postgres: Owner | undefined;
  /** Who owns what we make beside the cluster; undefined: whoever makes it, that is us. */
  readonly files: Owner | undefined;
};

/**
 * An ordinary user runs PostgreSQL as itself. Root runs it as the owner of the cluster if there is
 * one already, else as the owner of the data folder, so that `sudo hookwright` today and
 * `hookwright` tomorrow both work, and as `nobody` when that is root too.
 */
export const chooseIdentity = async (dataFolder: string, cluster: string | undefined): Promise<Identity> => {
  if (process.getuid?.() !== 0) return { postgres: undefined, files: undefined };
  const files = await ownerOf(dataFolder);
  const postgres = (cluster && (await ownerOf(cluster))) || files || NOBODY;
  return { postgres, files };
};

/** The owner of a file or folder; undefined when that is root or when there is nothing. */
const ownerOf = async (path: string): Promise<Owner | undefined> => {
  const status = await stat(path).catch(() => undefined);
  return status && status.uid !== 0 ? { uid: status.uid, gid: status.gid } : undefined;
};

/** Gives what we made to `owner`, when it is not ours to keep. */
export const giveTo = async (owner: Owner | undefined, path: string): Promise<void> => {
  if (owner) await chown(path, owner.uid, owner.gid);
};

/**
 * Whether `owner` may enter a folder, through all of its parents. Asked by trying: modes alone do
 * not know about access lists and namespaces.
 */
export const mayEnter = async (owner: Owner | undefined, folder: string): Promise<boolean> =>
  owner === undefined || (await run('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], owner)).succeeded;
