'use strict';

/** Stands in for a module that only a V1 core has: every invocation becomes a line of JSON on stdout. */
module.exports = class {
  postWork(arn, payload, context, type, done) {
    const { custom } = context ? JSON.parse(Buffer.from(context, 'base64').toString()) : {};
    const posted = { arn, type, subject: custom && custom.subject, payload: JSON.parse(String(payload)) };
    process.stdout.write(`POSTED ${JSON.stringify(posted)}\n`);
    process.nextTick(() => done(null, 'invocation-id'));
  }

  getWorkResult(_arn, _id, done) {
    process.nextTick(() => done(null, Buffer.from('{"answer":42}'), '', 200));
  }
};
