import { headerValue, type HttpRequest, type HttpResponse } from '../../base/http';

interface ServiceError {
  /** As settings have it. */
  service: string;
  code: string;
  message: string;
}

/** Those of REST that speak XML, which no header of a request tells; S3 is always here. */
const REST_XML = ['cloudfront', 'route53', 'route_53', 's3_control'];

/** Not one that SDKs try again. */
const STATUS = 501;

/**
 * An error as the protocol of the request has it, which its headers tell.
 * https://smithy.io/2.0/aws/protocols/index.html
 */
export function answerInItsProtocol(request: HttpRequest, error: ServiceError): HttpResponse {
  const type = headerValue(request, 'content-type') ?? '';
  if (headerValue(request, 'smithy-protocol') === 'rpc-v2-cbor') return cbor(error);
  if (headerValue(request, 'x-amz-target') !== undefined) return json(type, error);
  if (type.startsWith('application/x-www-form-urlencoded')) return queryXml(error);
  return REST_XML.includes(error.service) ? queryXml(error) : json('application/json', error);
}

function json(type: string, { code, message }: ServiceError): HttpResponse {
  return {
    status: STATUS,
    headers: { 'content-type': type, 'x-amzn-errortype': code },
    body: JSON.stringify({ __type: code, message }),
  };
}

/** Of the query and the XML protocols; `Errors` is where EC2 looks. */
function queryXml({ code, message }: ServiceError): HttpResponse {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const error = `<Error><Type>Receiver</Type><Code>${code}</Code><Message>${text}</Message></Error>`;
  return {
    status: STATUS,
    headers: { 'content-type': 'text/xml' },
    body: `<ErrorResponse>${error}<Errors>${error}</Errors></ErrorResponse>`,
  };
}

function cbor({ code, message }: ServiceError): HttpResponse {
  const text = (value: string): Buffer => {
    const bytes = Buffer.from(value);
    // Major type 3 with a length of two bytes.
    return Buffer.concat([Buffer.from([0x79, bytes.length >> 8, bytes.length & 0xff]), bytes]);
  };
  const map = Buffer.from([0xa2]);
  return {
    status: STATUS,
    headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
    body: Buffer.concat([map, text('__type'), text(code), text('message'), text(message)]),
  };
}
