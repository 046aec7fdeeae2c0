import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CelEngine, TemplateFile } from '@aws/cloudformation-validate';
import type { CompiledTemplate } from '../../../plugin/framework';

/**
 * What AWS's own offline validator, which has the schemas of all resource types inside, finds wrong in a
 * template: one line per error. Its warnings are about style, most of it the framework's.
 */
export async function templateProblems(template: CompiledTemplate): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'edge-template-'));
  const file = path.join(folder, 'template.json');
  await writeFile(file, JSON.stringify(template));
  const engine = new CelEngine();
  try {
    return engine
      .validateStandard(new TemplateFile(file), { severityLevel: 'ERROR' })
      .diagnostics.map(({ ruleId, entity, propertyPath, message }) =>
        [ruleId, entity?.logicalId, propertyPath, message].join(' '),
      );
  } finally {
    engine.free();
    await rm(folder, { recursive: true });
  }
}
