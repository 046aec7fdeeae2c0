import { readFileSync } from 'node:fs';
import path from 'node:path';
import { EdgeError, parseJsonWith } from '../../../protocol';
import { coreConfigSchema, type CoreConfig } from '../../../protocol/coreConfig';

/** Reads a core's configuration; its paths become absolute. Throws one EdgeError that names what is wrong. */
export function readConfigFile(file: string): CoreConfig {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new EdgeError('CONFIG_INVALID', `${file}: ${(error as Error).message}`, { cause: error });
  }
  const config = parseJsonWith(coreConfigSchema, text, file, 'CONFIG_INVALID');
  const at = (relative: string) => path.resolve(path.dirname(file), relative);
  const { listen, upstream } = config;
  return {
    ...config,
    stateDir: at(config.stateDir),
    listen: { ...listen, certificate: at(listen.certificate), privateKey: at(listen.privateKey) },
    upstream: {
      ...upstream,
      certificate: at(upstream.certificate),
      privateKey: at(upstream.privateKey),
      ...(upstream.ca !== undefined && { ca: at(upstream.ca) }),
    },
  };
}
