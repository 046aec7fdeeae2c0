import { createHash } from 'node:crypto';
import {
  uploadResultSchema,
  type FunctionConfig,
  type PackageLocation,
  type UploadResult,
} from '../../../protocol';
import type {
  CloudInvoker,
  CloudPublisher,
  CloudTarget,
  Packages,
  Upload,
  Uploads,
} from '../../../handlers/ports';
import { openGate, through, type Gate } from './gate';

export class MemoryUploads implements Uploads {
  readonly objects = new Map<string, Upload>();
  readonly packages = new Map<string, Buffer>();
  readonly results: UploadResult[] = [];

  constructor(private readonly gate: Gate = openGate) {}

  /** Puts an object and gives the record of its S3 event. `at` in milliseconds since the epoch. */
  put(key: string, bytes: Buffer, at: number): object {
    const etag = createHash('md5').update(bytes).digest('hex');
    const second = new Date(Math.floor(at / 1000) * 1000).toISOString();
    this.objects.set(key, { bytes, etag: `"${etag}"`, uploadedAt: second });
    return {
      eventTime: new Date(at).toISOString(),
      s3: { bucket: { name: 'functions' }, object: { key: encodeURIComponent(key), eTag: etag } },
    };
  }

  async readUpload(key: string): Promise<Upload | undefined> {
    return through(this.gate, `readUpload ${key}`, () => this.objects.get(key));
  }

  async putResult(result: UploadResult): Promise<void> {
    return through(this.gate, `putResult ${result.upload}`, () => {
      this.results.push(uploadResultSchema.parse(result));
    });
  }

  async store(digest: string, bytes: Buffer): Promise<void> {
    return through(this.gate, `store ${digest}`, () => void this.packages.set(digest, bytes));
  }

  resultOf(key: string): UploadResult | undefined {
    return this.results.findLast(({ upload }) => upload === key);
  }
}

export class MemoryPackages implements Packages {
  async locate({ digest, size }: { digest: string; size: number }): Promise<PackageLocation> {
    return { url: `https://packages/${digest}`, digest, size, expiresAt: '2026-01-02T03:09:05.000Z' };
  }
}

/** Publishes numbered versions; equal content again gives the same version, as on Lambda. */
export class MemoryCloud implements CloudPublisher, CloudInvoker {
  readonly published: { name: string; digest: string; target: CloudTarget }[] = [];
  readonly aliases = new Map<string, string>();
  readonly ordinary = new Map<string, string>();
  readonly invoked: { target: CloudTarget; input: unknown }[] = [];
  answer: (input: unknown) => unknown = (input) => input;

  constructor(private readonly gate: Gate = openGate) {}

  async publish(config: FunctionConfig, _bytes: Buffer, digest: string): Promise<CloudTarget> {
    return through(this.gate, `publish ${config.name}`, () => {
      const own = this.published.filter(({ name }) => name === config.name);
      const last = own.at(-1);
      if (last?.digest === digest) return last.target;
      const functionArn = `arn:aws:lambda:eu-west-1:123456789012:function:edge-${config.name}`;
      const target = { functionArn, qualifier: String(own.length + 1) };
      this.published.push({ name: config.name, digest, target });
      return target;
    });
  }

  async existing(nameOrArn: string): Promise<CloudTarget> {
    return { functionArn: this.ordinary.get(nameOrArn) ?? nameOrArn, qualifier: '$LATEST' };
  }

  async promote(name: string, { qualifier }: CloudTarget): Promise<void> {
    return through(this.gate, `promote ${name}`, () => void this.aliases.set(name, qualifier));
  }

  async invoke(target: CloudTarget, input: unknown): Promise<unknown> {
    this.invoked.push({ target, input });
    return this.answer(input);
  }
}
