package leak

// Rules are what a scanner needs to find our secrets, as gitleaks reads them (TOML). Each secret ends in a checksum, CRC-32 over all before it
// in six digits of base 62, so that a scanner that checks it has next to no false finds; docs/leaks.md says how.
const Rules = `title = "Secrets of Sallyport API keys"

[[rules]]
id = "sallyport-api-secret"
description = "Secret of a Sallyport API key: whoever has it trades in its owner's name. Revoke the key."
regex = '''\b(sps_(?:live|test)_[0-9A-Za-z]{49})\b'''
keywords = ["sps_live_", "sps_test_"]
entropy = 3.5
`

// TrufflehogRules are the same for trufflehog, as a detector of its configuration (YAML). It has no address to verify a find: who holds a
// secret would otherwise learn from us that it still works.
const TrufflehogRules = `detectors:
  - name: sallyport-api-secret
    keywords:
      - sps_live_
      - sps_test_
    regex:
      secret: '\b(sps_(?:live|test)_[0-9A-Za-z]{49})\b'
    entropy: 3.5
`
