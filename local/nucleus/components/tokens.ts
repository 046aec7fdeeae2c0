import { randomBytes } from 'node:crypto';

/** The secret (SVCUID) by which a component shows who it is; the same as long as the nucleus lives. */
export class ComponentTokens {
  readonly #owners = new Map<string, string>();

  of(component: string): string {
    for (const [token, owner] of this.#owners) if (owner === component) return token;
    const token = randomBytes(16).toString('hex').toUpperCase();
    this.#owners.set(token, component);
    return token;
  }

  ownerOf(token: string): string | undefined {
    return this.#owners.get(token);
  }
}
