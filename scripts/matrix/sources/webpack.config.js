const { lib } = require('serverless-webpack');

module.exports = {
  entry: lib.entries,
  mode: 'production',
  target: 'node',
  optimization: { minimize: false },
};
