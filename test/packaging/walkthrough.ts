import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { execFile } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';
import { blocksOf, textOf, type Block } from '../docs/blocks';
import { Command } from '../support/command';

/** Of npm, for a machine whose cache has most of it. */
const NPM = { npm_config_prefer_offline: 'true', npm_config_audit: 'false', npm_config_fund: 'false' };
const DEV = 'npx osls edge dev';
const DEV_READY = /^Ready/m;

/**
 * A reader of a page who does what it says, word by word: saves its files (named in the line before), types
 * its commands, and looks for what it says that they print, in the first terminal where it says so.
 */
export class Walkthrough {
  private readonly blocks: Block[];
  private readonly headings: { line: number; text: string }[];
  private dev: Command | undefined;
  private last = { command: '', output: '', failed: false };

  /** `install`: a package by its name, as it is to be had here. */
  constructor(
    page: string,
    public folder: string,
    private readonly install: Record<string, string>,
  ) {
    this.blocks = blocksOf(page);
    this.headings = textOf(page)
      .split('\n')
      .flatMap((text, index) => (text.startsWith('## ') ? [{ line: index + 1, text: text.slice(3) }] : []));
  }

  /** Throws with what was printed when anything is not as the page says. */
  async follow(heading: string): Promise<void> {
    const at = this.headings.findIndex(({ text }) => text === heading);
    const [from, to] = [this.headings[at]?.line ?? Infinity, this.headings[at + 1]?.line ?? Infinity];
    const steps = this.blocks.filter(({ line }) => line > from && line < to);
    if (steps.length === 0) throw new Error(`the page has nothing to do under ${heading}`);
    for (const step of steps) await this.step(step);
    this.expectNoFailure();
  }

  async end(): Promise<void> {
    const { dev } = this;
    if (dev === undefined) return;
    this.dev = undefined;
    dev.interrupt();
    try {
      const exit = await dev.exit();
      if (exit.code !== 0) throw new Error(`sls edge dev ended with ${exit.code}:\n${dev.output}`);
    } finally {
      await dev.destroy();
    }
  }

  private async step({ language, text, before }: Block): Promise<void> {
    if (language === 'text') return this.compare(text, before);
    this.expectNoFailure();
    if (language !== 'sh') return this.save(text, before);
    for (const line of text.trimEnd().split('\n')) await this.type(line);
  }

  private async save(text: string, before: string): Promise<void> {
    const [, name] = /`([\w-]+\.(?:m?js|yml))`[^`]*$/.exec(before) ?? [];
    if (name === undefined) throw new Error(`nobody knows which file this is: ${before}`);
    await writeFile(path.join(this.folder, name), text);
  }

  private async type(line: string): Promise<void> {
    const [, folder] = /^cd (\S+)$/.exec(line) ?? [];
    if (folder !== undefined) {
      this.folder = path.join(this.folder, folder);
    } else if (line === DEV) {
      const cli = path.join(this.folder, 'node_modules', 'osls', 'bin', 'serverless.js');
      this.dev = new Command(cli, ['edge', 'dev'], this.folder);
      await this.dev.printed(DEV_READY);
    } else {
      this.last = { command: line, ...(await this.run(line)) };
    }
  }

  private run(line: string): Promise<{ output: string; failed: boolean }> {
    const [program, ...words] = line.split(' ');
    const command =
      program === 'npm' ? [program, ...words.map((word) => this.install[word] ?? word)].join(' ') : line;
    return new Promise((resolve) => {
      const options = { cwd: this.folder, env: { ...process.env, ...NPM }, maxBuffer: 64 << 20 };
      execFile('sh', ['-c', command], options, (error, stdout, stderr) => {
        resolve({ output: stripVTControlCharacters(stdout + stderr), failed: error !== null });
      });
    });
  }

  private async compare(text: string, before: string): Promise<void> {
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim());
    if (/first terminal/.test(before)) {
      for (const line of lines)
        await this.dev?.printed(new RegExp(line.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')));
      return;
    }
    const missing = lines.filter((line) => !this.last.output.includes(line));
    const { command, output, failed } = this.last;
    if (missing.length > 0) throw new Error(`${command} did not print ${missing.join('\n')} but:\n${output}`);
    if (failed && !/fails/.test(before)) this.expectNoFailure();
    this.last.failed = false;
  }

  private expectNoFailure(): void {
    if (this.last.failed) throw new Error(`${this.last.command} failed:\n${this.last.output}`);
  }
}
