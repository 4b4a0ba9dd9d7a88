// What this program uses of hawk 9, which has no types of its own. Written from
// node_modules/hawk/lib.
declare module 'hawk' {
  export type Credentials = { readonly key: string; readonly algorithm: 'sha256' };

  export type RequestToVerify = {
    readonly method: string;
    readonly url: string;
    readonly host: string;
    readonly port: number;
    readonly authorization?: string | undefined;
    readonly contentType?: string | undefined;
  };

  type FindCredentials = (id: string) => Promise<Credentials | null>;

  /** A copy, please: hawk writes its defaults into it. */
  type Options = { timestampSkewSec?: number; localtimeOffsetMsec?: number };

  type ClientOptions = {
    readonly credentials: Credentials & { readonly id: string };
    readonly timestamp?: number;
    readonly nonce?: string;
    readonly ext?: string;
    readonly payload?: string;
    readonly contentType?: string;
  };

  const hawk: {
    readonly server: {
      readonly authenticate: (
        request: RequestToVerify,
        find: FindCredentials,
        options: Options,
      ) => Promise<{
        readonly artifacts: {
          readonly id: string;
          readonly ts: string;
          readonly nonce: string;
          readonly hash: string | undefined;
          readonly ext: string | undefined;
        };
      }>;
      readonly authenticateBewit: (
        request: RequestToVerify,
        find: FindCredentials,
        options: Options,
      ) => Promise<{ readonly attributes: { readonly id: string; readonly exp: string; readonly ext: string } }>;
    };
    readonly client: {
      readonly header: (uri: string, method: string, options: ClientOptions) => { readonly header: string };
    };
    readonly crypto: {
      readonly calculateMac: (
        type: 'header' | 'bewit',
        credentials: Credentials,
        artifacts: Readonly<Record<string, string | number>>,
      ) => string;
      readonly calculatePayloadHash: (
        payload: string | Buffer,
        algorithm: 'sha256',
        contentType: string | undefined,
      ) => string;
    };
    readonly utils: { readonly now: () => number };
  };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS; this is how ESM sees it.
  export default hawk;
}
