/** For pages that load the helper by itself; each viewer has it inside, too. */

import { publish } from '../qu.js';

publish({});
