/** The viewers as a module: importing it makes the elements known, and gives the classes. */

import { define } from '../elements.js';
import { Gallery } from '../gallery.js';
import { Simple } from '../simple.js';
import { Slideshow } from '../slideshow.js';
import { Zoom } from '../zoom.js';

const zoom = (container, url, options, events) => new Zoom(container, url, options, events);

class ZoomGallery extends Gallery {
  constructor(container, options, events) {
    super(container, options, events, zoom);
  }
}

define(new URL('../../', import.meta.url).href);

export { ZoomGallery as Gallery, Simple, Slideshow, Zoom };
