package platform

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Names of linux/tls.h that x/sys lacks.
const (
	tlsTX            = 1 // TLS_TX
	tlsSetRecordType = 1 // TLS_SET_RECORD_TYPE
)

// NativeTLS returns the table of the running kernel. The caller may change its
// copy.
func NativeTLS() *TLSCalls {
	return &TLSCalls{SetULP: setULP, SetTransmitKey: setTransmitKey, SendRecord: sendRecord}
}

func setULP(fd FD) error {
	return unix.SetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_ULP, "tls")
}

func setTransmitKey(fd FD, info []byte) error {
	// SetsockoptString would copy the key into a string that nobody can zero.
	_, _, e := unix.Syscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.SOL_TLS, tlsTX,
		uintptr(unsafe.Pointer(unsafe.SliceData(info))), uintptr(len(info)), 0)
	return failure(e)
}

func sendRecord(fd FD, recordType byte, data []byte) error {
	control := make([]byte, unix.CmsgSpace(1))
	h := (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(control)))
	h.Level = unix.SOL_TLS
	h.Type = tlsSetRecordType
	h.SetLen(unix.CmsgLen(1))
	control[unix.CmsgLen(0)] = recordType
	// Whoever closes a connection whose peer is gone wants no SIGPIPE.
	_, err := unix.SendmsgN(int(fd), data, control, nil, unix.MSG_NOSIGNAL)
	return err
}
