import fc from 'fast-check';
import { readConfiguration } from '../../../plugin/configuration/configuration';
import { edgeSectionJsonSchema } from '../../../plugin/configuration/schema';
import { bucketName, fitted } from '../../../plugin/configuration/names';
import { frameworkWith } from '../support/framework';

describe('an edge section', () => {
  it('needs nothing', () => {
    expect(readConfiguration(frameworkWith(undefined)).section).toEqual({
      engine: { name: 'direct', sweepMinutes: 5 },
      groups: {},
      functions: {},
      topics: { prefix: 'edge' },
      buckets: {},
      retention: { uploads: 30, results: 30, status: 14, edgeLogs: 7, failures: 30, revisions: 90 },
      logs: 'warn',
      logLevel: 'info',
    });
  });

  it('has short forms', () => {
    const { section } = readConfiguration(
      frameworkWith({
        engine: 'direct',
        buckets: { functions: 'shop-packages', state: { existing: 'shop-state' } },
        functions: {
          readMeter: null,
          forecast: { locations: 'cloud', environment: { RETRIES: 3, VERBOSE: true, UNIT: 'K' } },
          openVents: { requires: { architectures: 'arm64' } },
        },
        groups: { attic: { devices: 'sensor-*', functions: 'readMeter' } },
      }),
    );
    expect(section).toMatchObject({
      engine: { name: 'direct', sweepMinutes: 5 },
      buckets: {
        functions: { name: 'shop-packages', existing: false },
        state: { name: 'shop-state', existing: true },
      },
      functions: {
        readMeter: null,
        forecast: { locations: ['cloud'], environment: { RETRIES: '3', VERBOSE: 'true', UNIT: 'K' } },
        openVents: { requires: { architectures: ['arm64'] } },
      },
      groups: { attic: { devices: ['sensor-*'], functions: [{ function: 'readMeter' }] } },
    });
  });

  it('keeps logs as long as the service does, unless it says otherwise', () => {
    const kept = (edge: unknown, logRetentionInDays?: number): number =>
      readConfiguration(
        frameworkWith(edge, { provider: logRetentionInDays === undefined ? {} : { logRetentionInDays } }),
      ).logRetention;
    expect(kept({})).toBe(30);
    expect(kept({}, 365)).toBe(365);
    expect(kept({ retention: { logs: 7 } }, 365)).toBe(7);
  });
});

describe('names', () => {
  const serviceName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9-]{0,80}$/);

  it('fit, however long a service is called, and stay different', () => {
    fc.assert(
      fc.property(serviceName, serviceName, fc.integer({ min: 40, max: 64 }), (one, other, max) => {
        const suffix = '-handleDeploymentRequest';
        const [first, second] = [fitted(one, suffix, max), fitted(other, suffix, max)];
        expect(first.length).toBeLessThanOrEqual(max);
        expect(first.endsWith(suffix)).toBe(true);
        expect(first === second).toBe(one === other);
      }),
    );
  });

  it('of buckets are names of buckets', () => {
    const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1', 'us-isof-south-1'];
    fc.assert(
      fc.property(serviceName, fc.constantFrom(...regions), (service, region) => {
        const { 'Fn::Sub': pattern } = bucketName(service, 'functions', region) as { 'Fn::Sub': string };
        const name = pattern.replace('${AWS::AccountId}', '123456789012').replace('${AWS::Region}', region);
        expect(name).toMatch(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/);
      }),
    );
  });

  it('are the shared name where that is short', () => {
    const { corePolicyName, functionsBucket, coreOf, lambdaName } = readConfiguration(
      frameworkWith({ groups: { attic: {} } }),
    );
    expect({
      corePolicyName,
      functionsBucket,
      core: coreOf('attic'),
      lambda: lambdaName('createFunction'),
    }).toEqual({
      corePolicyName: 'shop-dev-edge-core',
      functionsBucket: { 'Fn::Sub': 'shop-dev-edge-functions-${AWS::AccountId}-${AWS::Region}' },
      core: 'shop-dev-attic-core',
      lambda: 'shop-dev-createFunction',
    });
  });
});

describe('the JSON Schema for editors', () => {
  interface Node {
    description?: string;
    properties?: Record<string, Node>;
    additionalProperties?: Node | boolean;
    items?: Node;
    anyOf?: Node[];
  }

  function undescribed(node: Node, path: string): string[] {
    return [
      ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => [
        ...(child.description === undefined ? [`${path}.${key}`] : []),
        ...undescribed(child, `${path}.${key}`),
      ]),
      ...(typeof node.additionalProperties === 'object'
        ? undescribed(node.additionalProperties, `${path}.*`)
        : []),
      ...(node.items === undefined ? [] : undescribed(node.items, `${path}[]`)),
      ...(node.anyOf ?? []).flatMap((child) => undescribed(child, path)),
    ];
  }

  it('describes every key', () => {
    expect(undescribed(edgeSectionJsonSchema() as Node, 'edge')).toEqual([]);
  });
});
