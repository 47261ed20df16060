/** The zoom viewer as global functions. */

import { find } from '../base.js';
import { publish } from '../qu.js';
import { Zoom, zoomOf, zoomOnClick } from '../zoom.js';

/** A global function that does something with the viewer of a container. */
function withZoom(deed) {
  return (container) => {
    const viewer = zoomOf(container);
    if (viewer) deed(viewer);
    return false;
  };
}

publish({
  haveCanvasSupport: () => true,
  canvas_view_init: (container, url, options, events) => {
    const element = find(container);
    if (element && url) new Zoom(element, url, options, events);
    return false;
  },
  canvas_view_init_image: (image, options, events) => {
    const element = find(image);
    if (element) zoomOnClick(element, options, events);
    return false;
  },
  canvas_view_init_all_images: (className, options, events) => {
    for (const element of [...document.getElementsByClassName(className)]) zoomOnClick(element, options, events);
    return false;
  },
  canvas_view_zoom_in: withZoom((viewer) => viewer.zoomIn()),
  canvas_view_zoom_out: withZoom((viewer) => viewer.zoomOut()),
  canvas_view_reset: withZoom((viewer) => viewer.reset()),
  canvas_view_resize: withZoom((viewer) => viewer.resize()),
  canvas_view_toggle_fullscreen: withZoom((viewer) => viewer.toggleFullscreen()),
  canvas_view_toggle_help: withZoom((viewer) => viewer.toggleHelp()),
  canvas_view_toggle_image_info: withZoom((viewer) => viewer.toggleInfo()),
});
