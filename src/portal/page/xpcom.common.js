// Apps read the address of the portal out of this file.
var loader = '/server/load.php';
var ajax_loader = location.protocol + '//' + location.host + loader;
