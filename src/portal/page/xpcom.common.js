// Apps find the address of the portal by reading this file: they apply the pattern to the address under which they
// got it, and put its groups into that of the loader.
var pattern = /(https?):\/\/([^\/]*)\/(\w*).*/;
this.portal_protocol = document.URL.replace(pattern, '$1');
this.portal_ip = document.URL.replace(pattern, '$2');
this.portal_path = document.URL.replace(pattern, '$3');
this.ajax_loader = this.portal_protocol + '://' + this.portal_ip + '/' + this.portal_path + '/server/load.php';
