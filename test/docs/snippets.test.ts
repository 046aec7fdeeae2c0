import { createRequire } from 'node:module';
import path from 'node:path';
import ts from 'typescript';
import { EDGE_COMMANDS, type CommandDeclaration } from '../../plugin/commands';
import { readConfiguration } from '../../plugin/configuration/configuration';
import { frameworkWith } from '../plugin/support/framework';
import { root } from '../support/root';
import { blocksOf, textOf, walk, type Block } from './blocks';

/** What pages tell people to type is right. getting-started.md is also carried out (test/packaging). */
const blocks = walk('')
  .filter((file) => file.endsWith('.md') && file !== 'CHANGELOG.md')
  .flatMap(blocksOf);
const inLanguage = (...languages: string[]): [string, Block][] =>
  blocks
    .filter(({ language }) => languages.includes(language))
    .map((block) => [`${block.page}:${block.line}`, block]);

test('every block is in a language that is checked, or is a picture', () => {
  const known = ['sh', 'yaml', 'js', 'ts', 'json', 'text', 'mermaid'];
  expect(blocks.filter(({ language }) => !known.includes(language))).toEqual([]);
});

describe('yaml', () => {
  const framework = createRequire(require.resolve('serverless/package.json'));
  const { load } = framework('js-yaml') as { load(text: string): Record<string, unknown> };

  test.each(inLanguage('yaml'))('%s is a right part of a serverless.yml', (_where, { text }) => {
    const { edge, functions, service, ...others } = load(text);
    const ours = new Set(['plugins', 'provider', 'package', 'custom', 'resources']);
    expect(Object.keys(others).filter((key) => !ours.has(key))).toEqual([]);
    // A part that shows the section alone means functions that the reader has.
    const section = (edge ?? {}) as { functions?: object; groups?: Record<string, { functions?: string[] }> };
    const preloaded = Object.values(section.groups ?? {}).flatMap((group) => group.functions ?? []);
    const named =
      functions ??
      Object.fromEntries([...Object.keys(section.functions ?? {}), ...preloaded].map((name) => [name, {}]));
    readConfiguration(
      frameworkWith(edge, {
        functions: Object.keys(named),
        ...(typeof service === 'string' && { service }),
      }),
    );
  });
});

test.each(inLanguage('json'))('%s is JSON', (_where, { text }) => {
  expect(() => JSON.parse(text) as unknown).not.toThrow();
});

describe('sh', () => {
  /** Of other tools: what they do is theirs. What is in angle brackets is the reader's. */
  const OTHERS: [RegExp, string][] = [
    [/^(mkdir|cd|scp|ssh|curl|jq) /, 'the system, or a node that is not here'],
    [/^aws /, 'needs an AWS account'],
    [/^(target|last)=/, 'a variable for the lines below it'],
    [/^node core\.cjs --config core\.json$/, 'test/e2e/commands.test.ts starts a core like this'],
    [/^node examples\/mqtt-device\/device\.mjs /, 'test/examples/mqtt-device starts it'],
    [/^node [\w-]+\.mjs$/, 'a program of the page, which test/packaging runs'],
    [
      /^(sls|osls) (deploy|remove)$/,
      'test/e2e/deploy.test.ts and test/moto deploy; a real account is not here',
    ],
    [/^(sls|osls) create /, 'test/packaging/template.test.ts creates a project'],
    [/^npm init --yes$/, 'npm itself'],
    [/^npx jest test\//, 'a test of this project: the files are checked'],
  ];
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const PACKAGES =
    /^(serverless-edge-on-demand(-device)?|osls|jest|aws-iot-device-sdk-v2|esbuild|serverless-esbuild)$/;

  function problemsOf(line: string): string[] {
    const words = [...line.matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word);
    const [program = '', verb = '', ...rest] = words;
    if (program === 'EDGE_TRACE=1') return [];
    if (OTHERS.some(([pattern]) => pattern.test(line))) {
      return words.filter((word) => /^test\/\S+$/.test(word)).filter((name) => !isThere(name));
    }
    if (program === 'npm') return problemsOfNpm(verb, rest);
    if (/^(sls|osls)$/.test(program) && verb === 'edge') return problemsOfCommand(rest);
    return [`nobody knows ${line}`];
  }

  const files = new Set(walk('test'));
  const isThere = (name: string): boolean =>
    files.has(name) || [...files].some((file) => file.startsWith(`${name}/`));

  function problemsOfNpm(verb: string, rest: string[]): string[] {
    if (verb === 'ci') return [];
    if (verb === 'install') return rest.filter((word) => !word.startsWith('--') && !PACKAGES.test(word));
    const script = verb === 'run' ? (rest[0] ?? '') : verb;
    return script in scripts ? [] : [`no script ${script}`];
  }

  function problemsOfCommand(words: string[]): string[] {
    let command: CommandDeclaration | undefined = EDGE_COMMANDS['edge'];
    while (command?.commands?.[words[0] ?? ''] !== undefined) command = command.commands[words.shift() ?? ''];
    const { options = {} } = command ?? {};
    const shortcuts = Object.entries(options).map(([name, { shortcut }]) => [`-${shortcut}`, name]);
    const given = words
      .filter((word) => /^--?[a-z]/.test(word))
      .map((word) => (Object.fromEntries(shortcuts) as Record<string, string>)[word] ?? word.slice(2));
    const known = [...Object.keys(options), 'help', 'stage', 'region', 'aws-profile', 'verbose', 'package'];
    const missing = Object.entries(options).filter(
      ([name, { required }]) => required && !given.includes(name),
    );
    return [
      ...(command?.lifecycleEvents === undefined && !given.includes('help')
        ? [`no command ${words.join(' ')}`]
        : []),
      ...given.filter((name) => !known.includes(name)).map((name) => `no option --${name}`),
      ...missing.map(([name]) => `without --${name}`),
    ];
  }

  /** Commands without `npx`, comments and continuations. */
  function commandsOf(text: string): string[] {
    return text
      .replaceAll(/(^|\s)# .*$/gm, '')
      .replaceAll(/\\\n\s*/g, ' ')
      .replaceAll(/'[^']*'/g, (quoted) => quoted.replaceAll('\n', ' '))
      .split('\n')
      .flatMap((line) => line.split(/ && (?=(?:[^']*'[^']*')*[^']*$)/))
      .map((line) =>
        line
          .replace(/ > \S+$/, '')
          .trim()
          .replace(/^npx (?=osls|sls)/, ''),
      )
      .filter((line) => line !== '');
  }

  test.each(inLanguage('sh'))('%s names commands and options that there are', (_where, { text }) => {
    expect(commandsOf(text).flatMap(problemsOf)).toEqual([]);
  });
});

/** One program for all of them: most of its time goes into types that they share. */
test('js and ts compile', () => {
  const options: ts.CompilerOptions = {
    ...{ noEmit: true, strict: false, allowJs: true, checkJs: true, skipLibCheck: true },
    ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, types: ['node', 'jest'] },
    lib: ['lib.es2023.d.ts'],
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    paths: {
      'serverless-edge-on-demand': [path.join(root, 'plugin/types.ts')],
      'serverless-edge-on-demand/local': [path.join(root, 'local/testing/types.ts')],
      'serverless-edge-on-demand-device': [path.join(root, 'device/index.ts')],
    },
  };
  const sources = new Map(modulesOf(inLanguage('js', 'ts').map(([, block]) => block)));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => sources.has(file) || fileExists(file);
  host.readFile = (file) => sources.get(file) ?? readFile(file);
  host.getSourceFile = (file, language, ...rest) => {
    const text = sources.get(file);
    return text === undefined
      ? getSourceFile(file, language, ...rest)
      : ts.createSourceFile(file, text, language);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  const problems = [...sources.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
  });
  expect(
    problems.map(
      (each) => `${each.file?.fileName}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`,
    ),
  ).toEqual([]);
});

/** A block without imports goes on where the one before it on its page ended. */
function modulesOf(all: Block[]): [string, string][] {
  const modules: [string, string][] = [];
  for (const { page, line, language, text } of all) {
    const last = modules.at(-1);
    const isWhole = /^import |require\(|^exports\./m.test(text);
    if (!isWhole && last?.[0].includes(`${page}:`)) {
      last[1] += `\nasync function line${line}() {\n${text}\n}\n`;
      continue;
    }
    const extension = language === 'ts' ? 'ts' : /^import /m.test(text) ? 'mjs' : 'cjs';
    modules.push([path.join(root, `${page}:${line}.${extension}`), text]);
  }
  return modules;
}
