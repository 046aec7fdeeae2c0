import { z } from 'zod';
import { SHARED } from './sharedTopics';

/** Names are keys of records: `constructor` must not find what every object inherits. */
const notInherited = (name: string): boolean => !(name in Object.prototype);
const INHERITED = { error: 'expected a name that no JavaScript object inherits' };
/** The same for readers of the JSON Schema, to which a refinement says nothing. */
const inheritedSchema = (form: RegExp) => ({
  not: {
    enum: Object.getOwnPropertyNames(Object.prototype)
      .filter((name) => form.test(name))
      .sort(),
  },
});

const THING_NAME = /^[a-zA-Z0-9:_-]{1,128}$/;
const FUNCTION_NAME = /^[a-zA-Z][a-zA-Z0-9_-]{0,47}$/;

/**
 * The forms that names may have, wherever one is read from the outside.
 * Thing names follow the AWS IoT rule `[a-zA-Z0-9:_-]{1,128}`; function names are shorter than
 * Lambda's 64 so that `<service>-<stage>-<name>` still fits.
 */
export const thingNameSchema = z
  .string()
  .regex(THING_NAME, 'expected 1 to 128 of a-z, A-Z, 0-9, ":", "_" and "-"')
  .refine(notInherited, INHERITED)
  .meta(inheritedSchema(THING_NAME));

export const functionNameSchema = z
  .string()
  .regex(FUNCTION_NAME, 'expected a letter followed by at most 47 of a-z, A-Z, 0-9, "_" and "-"')
  .refine(notInherited, INHERITED)
  .meta(inheritedSchema(FUNCTION_NAME));

export const groupNameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 of a-z, A-Z, 0-9, "_" and "-"');

export const requestIdSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 of a-z, A-Z, 0-9, "_" and "-"');

/** SHA-256 in lower-case hex: a package digest. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 digest in 64 lower-case hex digits');

/** As on AWS IoT: the SHA-256 of the certificate in DER, 64 lower-case hex digits. */
export const certificateIdSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a certificate id in 64 lower-case hex digits');

const notShared = (name: string): boolean => name !== SHARED;
const TAKEN = { error: `expected another name: "<prefix>/${SHARED}/" holds the topics of functions` };

/** Of a thing that is to be a device: the topics of one called `shared` would not be its own. */
export const deviceNameSchema = thingNameSchema.refine(notShared, TAKEN);

/** `*` stands for any run of characters, `?` for one; everything else stands for itself. */
export const devicePatternSchema = z
  .string()
  .regex(/^[a-zA-Z0-9:_*?-]{1,128}$/, 'expected a thing name, in which "*" and "?" are wildcards');

/** Devices of a group: patterns, or names in full. */
export const groupDeviceSchema = devicePatternSchema
  .refine(notShared, TAKEN)
  .meta({ not: { const: SHARED } });

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/;

/** An exact semantic version without build metadata: `1.4.0`, `2.0.0-beta.1`. */
export const versionSchema = z
  .string()
  .max(64)
  .regex(VERSION, 'expected an exact semantic version such as "1.4.0"');

/**
 * Never takes longer than the product of both lengths: a pattern comes from whoever uploads a package,
 * and as a regular expression `********x` would keep a core busy for seconds.
 */
export function matchesDevicePattern(pattern: string, thingName: string): boolean {
  let [at, inName] = [0, 0];
  let star: { at: number; inName: number } | undefined;
  while (inName < thingName.length) {
    const expected = pattern[at];
    if (expected === '*') {
      star = { at, inName };
      at += 1;
    } else if (expected === '?' || expected === thingName[inName]) {
      at += 1;
      inName += 1;
    } else if (star !== undefined) {
      // The last star takes one character more; no earlier one could do better.
      star.inName += 1;
      [at, inName] = [star.at + 1, star.inName];
    } else {
      return false;
    }
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}

export function matchesAnyDevicePattern(patterns: readonly string[], thingName: string): boolean {
  return patterns.some((pattern) => matchesDevicePattern(pattern, thingName));
}

/** Attribute of things that a service made; its value is the prefix of the service's core topics. */
export const MADE_BY = 'edge-service';
