'use strict';

/** Degrees Celsius at which water on a leaf freezes. */
const FREEZING = 0;

/** Whether the trend of the readings, in degrees Celsius and evenly spaced, crosses freezing within as many again. */
exports.handler = async ({ readings }) => {
  if (!Array.isArray(readings) || readings.length < 2) throw new TypeError('readings: expected two or more');
  const last = readings[readings.length - 1];
  const expected = last + (last - readings[0]);
  return { frost: Math.min(last, expected) <= FREEZING, expected };
};
