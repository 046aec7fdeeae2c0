import fc from 'fast-check';
import {
  ASKS,
  askTopic,
  callTopic,
  CORE_KINDS,
  coreTopic,
  defaultCorePrefix,
  MAX_TOPIC_BYTES,
  MAX_TOPIC_SLASHES,
  parseDeviceTopic,
  REPLIES,
  replyTopic,
  statusTopic,
} from '../../protocol';

const thingName = fc.stringMatching(/^[a-zA-Z0-9:_-]{1,128}$/);
const functionName = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_-]{0,47}$/);
const prefix = fc.constantFrom('edge', 'plant/edge', 'call');

describe('device topics', () => {
  it('are read back as they were made', () => {
    fc.assert(
      fc.property(prefix, thingName, fc.constantFrom(...ASKS), functionName, (root, device, ask, name) => {
        expect(parseDeviceTopic(root, askTopic(root, device, ask))).toEqual({ device, kind: 'ask', ask });
        expect(parseDeviceTopic(root, callTopic(root, device, name))).toEqual({
          device,
          kind: 'call',
          function: name,
        });
      }),
    );
  });

  it('name nothing else: replies, status, other prefixes, longer or shorter topics', () => {
    fc.assert(
      fc.property(thingName, fc.constantFrom(...REPLIES), (device, reply) => {
        expect(parseDeviceTopic('edge', replyTopic('edge', device, reply))).toBeUndefined();
        expect(parseDeviceTopic('other', askTopic('edge', device, 'join'))).toBeUndefined();
        expect(parseDeviceTopic('edge', `${askTopic('edge', device, 'join')}/more`)).toBeUndefined();
        expect(parseDeviceTopic('edge', `edge/${device}/ask`)).toBeUndefined();
        expect(parseDeviceTopic('edge', `edge/${device}/ask/unknown`)).toBeUndefined();
      }),
    );
    expect(parseDeviceTopic('edge', statusTopic('edge'))).toBeUndefined();
    expect(parseDeviceTopic('edge', 'edge//ask/join')).toBeUndefined();
  });

  it('never throw, whatever the topic', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (topic) => {
        const parsed = parseDeviceTopic('edge', topic);
        expect(parsed === undefined || topic.startsWith('edge/')).toBe(true);
      }),
    );
  });
});

describe('all topics', () => {
  it('stay within the limits of AWS IoT Core', () => {
    fc.assert(
      fc.property(thingName, functionName, fc.constantFrom(...CORE_KINDS), (thing, name, kind) => {
        const core = defaultCorePrefix('a-service-with-a-long-name', 'production');
        for (const topic of [callTopic('edge', thing, name), coreTopic(core, thing, kind)]) {
          expect(Buffer.byteLength(topic)).toBeLessThanOrEqual(MAX_TOPIC_BYTES);
          expect(topic.split('/').length - 1).toBeLessThanOrEqual(MAX_TOPIC_SLASHES);
        }
      }),
    );
  });

  it('carry the core in the fourth segment, where the rule reads it', () => {
    expect(coreTopic(defaultCorePrefix('svc', 'dev'), 'core-1', 'update').split('/')[3]).toBe('core-1');
  });
});
