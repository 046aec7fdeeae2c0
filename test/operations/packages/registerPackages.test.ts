import type { Operator } from '../../../operations/operator';
import { registerChanged } from '../../../operations/packages/registerPackages';
import { EdgeError, type ErrorCode, type FunctionIndex, type UploadResult } from '../../../protocol';
import { packageDigest } from '../../../protocol/functionPackage';

const outputs = { functionsBucket: 'functions', stateBucket: 'state' } as never;
const bytes = Buffer.from('content');
const about = { upload: 'uploads/f.zip', etag: 'e', at: '2026-01-01T00:00:00.000Z' };
const registered: UploadResult = {
  ...{ status: 'registered', ...about, name: 'f', version: '1.0.1', digest: packageDigest(bytes) },
  changed: true,
};
const refused = (code: ErrorCode): UploadResult => ({
  ...{ status: 'refused', ...about, error: new EdgeError(code, 'because').toJSON() },
});

/** A registry that answers in this order, and with its last answer from then on. */
function registry(answers: (UploadResult | undefined)[], latest?: { digest: string }) {
  const uploads: string[] = [];
  const index = latest && ({ latest: '1.0.0', versions: { '1.0.0': { manifest: latest } } } as unknown);
  const operator = {
    functionIndex: () => Promise.resolve(index as FunctionIndex | undefined),
    uploadPackage: (bucket: string, name: string) => {
      uploads.push(name);
      return Promise.resolve({ bucket, key: `uploads/${name}.zip`, etag: 'e' });
    },
    uploadResult: () => Promise.resolve(answers.length > 1 ? answers.shift() : answers[0]),
  };
  return { uploads, access: { operator: operator as unknown as Operator, outputs } };
}

const packages = [{ name: 'f', bytes }];

describe('registering what changed', () => {
  it('uploads nothing that is the latest already', async () => {
    const { access, uploads } = registry([], { digest: packageDigest(bytes) });
    expect(await registerChanged(access, packages)).toMatchObject([{ version: '1.0.0', changed: false }]);
    expect(uploads).toEqual([]);
  });

  it('uploads other content and waits for the registry', async () => {
    const { access, uploads } = registry([undefined, undefined, registered], { digest: 'other' });
    const states: string[] = [];
    const progress = (_name: string, state: string) => void states.push(state);
    expect(await registerChanged(access, packages, { progress })).toMatchObject([
      { version: '1.0.1', changed: true },
    ]);
    expect(uploads).toEqual(['f']);
    expect(states).toEqual(['uploading', 'registering', 'registered']);
  });

  it('waits out a refusal that may pass', async () => {
    const { access } = registry([refused('CLOUD_ERROR'), registered]);
    expect(await registerChanged(access, packages)).toMatchObject([{ version: '1.0.1' }]);
  });

  it('throws what a package is refused for, of all packages at once', async () => {
    const { access } = registry([refused('VERSION_CONFLICT')]);
    const both = [...packages, { name: 'g', bytes }];
    await expect(registerChanged(access, both)).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      message: 'the registry refused f: because (VERSION_CONFLICT); g: because (VERSION_CONFLICT)',
    });
  });

  it('gives the last reason when a refusal does not pass, and says when there is no answer', async () => {
    const stubborn = registry([refused('CLOUD_ERROR')]);
    await expect(registerChanged(stubborn.access, packages, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'CLOUD_ERROR',
    });
    const silent = registry([undefined]);
    await expect(registerChanged(silent.access, packages, { timeoutMs: 1 })).rejects.toMatchObject({
      code: 'TIMED_OUT',
      expected: expect.stringContaining('createFunction') as string,
    });
  });
});
