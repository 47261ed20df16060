/** Types of /static/js/qis-viewers.js. */

export type Animation =
  | 'linear' | 'in-out-back' | 'in-out-quadratic' | 'in-out-sine' | 'out-back' | 'out-quadratic' | 'out-sine';

export type Texts = Record<string, string | string[]>;

export interface ZoomOptions {
  title?: string | null;
  description?: string | null;
  showcontrols?: 'yes' | 'no' | 'auto';
  quality?: boolean;
  animation?: Animation;
  maxtiles?: 1 | 4 | 16 | 64 | 256;
  doubleclickreset?: boolean;
  controls?: Partial<
    Record<'title' | 'download' | 'help' | 'reset' | 'fullscreen' | 'zoomin' | 'zoomout', boolean>
  >;
  stripaligns?: boolean;
  fullScreenFixed?: boolean;
  fullScreenCloseOnClick?: boolean;
  fullScreenReal?: boolean;
  format?: string;
  token?: string | null;
  lang?: string | null;
  texts?: Texts;
}

export interface ZoomEvents {
  onload?(this: Zoom, src: string): void;
  oninfo?(this: Zoom, src: string): void;
  ondownload?(this: Zoom, src: string): void;
  onfullscreen?(this: Zoom, src: string, on: boolean): void;
}

export declare class Zoom {
  constructor(container: HTMLElement, url: string, options?: ZoomOptions | null, events?: ZoomEvents | null);
  readonly options: ZoomOptions;
  readonly src: string;
  readonly zoomed: boolean;
  zoomIn(): void;
  zoomOut(): void;
  reset(): void;
  resize(): void;
  toggleFullscreen(): void;
  toggleHelp(): void;
  toggleInfo(): void;
  destroy(): void;
}

/** An image of a collection; further names are parameters of the image. */
export interface ImageEntry {
  src: string;
  server?: string;
  title?: string;
  description?: string;
  /** Where a click leads, in a slideshow. */
  url?: string;
  [parameter: string]: string | number | boolean | undefined;
}

export interface CollectionOptions {
  server?: string;
  folder?: string;
  portfolio?: string;
  images?: ImageEntry[];
  params?: Record<string, string | number | boolean>;
  stripaligns?: boolean;
  token?: string | null;
  lang?: string | null;
  texts?: Texts;
}

export interface GalleryOptions extends CollectionOptions {
  thumbsize?: { width?: number; height?: number };
  startImage?: string;
  viewer?: ZoomOptions;
}

export interface GalleryEvents extends ZoomEvents {
  onchange?(this: Gallery, src: string): void;
}

export declare class Gallery {
  constructor(container: HTMLElement, options?: GalleryOptions | null, events?: GalleryEvents | null);
  readonly options: GalleryOptions;
  select(index: number): void;
  resize(): void;
  destroy(): void;
}

export interface SlideshowOptions extends CollectionOptions {
  mode?: 'slide' | 'stack' | 'fade';
  controls?: boolean;
  dots?: boolean;
  dotColor?: string;
  dotSelectedColor?: string;
  delay?: number;
  duration?: number;
  pauseOnHover?: boolean;
  bgColor?: string;
  easeFn?: (time: number, begin: number, change: number, duration: number) => number;
}

export interface SlideshowEvents {
  onchange?(this: Slideshow, src: string, index: number): void;
  onclick?(this: Slideshow, src: string, index: number): void;
}

export declare class Slideshow {
  constructor(container: HTMLElement, options?: SlideshowOptions | null, events?: SlideshowEvents | null);
  readonly options: SlideshowOptions;
  start(): void;
  stop(): void;
  goBy(direction: 1 | -1): void;
  goTo(index: number): void;
  resize(): void;
  destroy(): void;
}

export declare class Simple {
  constructor(container: HTMLElement, url: string, image?: HTMLImageElement);
  reset(): void;
  destroy(): void;
}

export interface QisZoomElement extends HTMLElement {
  options: ZoomOptions;
  readonly viewer: Zoom | null;
  zoomIn(): void;
  zoomOut(): void;
  reset(): void;
  toggleFullscreen(): void;
}

export interface QisGalleryElement extends HTMLElement {
  options: GalleryOptions;
  readonly viewer: Gallery | null;
}

export interface QisSlideshowElement extends HTMLElement {
  options: SlideshowOptions;
  readonly viewer: Slideshow | null;
  start(): void;
  stop(): void;
  prev(): void;
  next(): void;
  go(index: number): void;
}

declare global {
  interface HTMLElementTagNameMap {
    'qis-zoom': QisZoomElement;
    'qis-gallery': QisGalleryElement;
    'qis-slideshow': QisSlideshowElement;
    'qis-image': HTMLElement;
    'qis-compare': HTMLElement;
  }

  interface HTMLElementEventMap {
    'qis-load': CustomEvent<{ src: string }>;
    'qis-info': CustomEvent<{ src: string }>;
    'qis-download': CustomEvent<{ src: string }>;
    'qis-fullscreen': CustomEvent<{ src: string; on: boolean }>;
    'qis-change': CustomEvent<{ src: string; index?: number } | { at: number }>;
    'qis-click': CustomEvent<{ src: string; index: number }>;
  }
}
