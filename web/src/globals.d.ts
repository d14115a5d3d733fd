/** True in development, mock and test builds: the kit page is in them. */
declare const __KIT__: boolean;
