// The dashboard's script. Pages work without it but for WebAuthn and WebCrypto; what it adds is bound to data- attributes that the server wrote.

import { bindNewKey } from "./newkey";
import { bindPasskeys } from "./passkeys";
import { bindSignal } from "./signal";
import { bindAfter, bindContinue, bindCopy, bindEnding, bindMeter, bindOffsets, bindPrint, bindShow, bindTimes, bindZones } from "./small";

for (const bind of [bindTimes, bindZones, bindOffsets, bindCopy, bindShow, bindMeter, bindPrint, bindEnding, bindPasskeys, bindSignal, bindNewKey, bindContinue, bindAfter]) bind();
