package platform

// nativeDirent is struct linux_dirent64 (getdents64(2)).
var nativeDirent = direntLayout{reclen: 16, kind: 18, name: 19}
