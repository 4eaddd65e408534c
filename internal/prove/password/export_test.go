package password

// Common is the blocklist's search, for the test that asks for every entry, also those too short to be chosen anyway.
var Common = common
