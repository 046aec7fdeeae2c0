/* eslint-disable @typescript-eslint/no-deprecated -- The packages that replace the builder and the validator are not among our dependencies; this one goes on exporting them. */
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import type { HttpResponse } from '../../base/http';

const builder = new XMLBuilder({ ignoreAttributes: false, attributeNamePrefix: '@' });
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  removeNSPrefix: true,
  isArray: (name) => name === 'Object',
});

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** An XML document. Arrays repeat their element; undefined elements are left out. */
export function xmlDocument(root: string, content: Record<string, unknown>): string {
  const attributes = root === 'Error' ? {} : { '@xmlns': NAMESPACE };
  const xml = builder.build({
    '?xml': { '@version': '1.0', '@encoding': 'UTF-8' },
    [root]: { ...attributes, ...content },
  });
  // A reader of XML takes a bare carriage return for a line feed.
  return xml.replaceAll('\r', '&#13;');
}

/** The root element of a document; undefined when it is not well-formed or has another root. */
export function parseXml(text: string, root: string): Record<string, unknown> | undefined {
  if (XMLValidator.validate(text) !== true) return undefined;
  const content = (parser.parse(text) as Record<string, unknown>)[root];
  return typeof content === 'object' && content !== null ? (content as Record<string, unknown>) : undefined;
}

/** A success with an XML document as its body. */
export function xmlResponse(
  root: string,
  content: Record<string, unknown>,
  headers: Record<string, string> = {},
): HttpResponse {
  const body = xmlDocument(root, content);
  return { status: 200, headers: { 'content-type': 'application/xml', ...headers }, body };
}
