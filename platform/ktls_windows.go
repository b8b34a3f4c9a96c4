package platform

import "errors"

// NativeTLS returns a table in which every call refuses: this system can't
// encrypt what is written to a socket.
func NativeTLS() *TLSCalls {
	return &TLSCalls{
		SetULP:         func(fd FD) error { return errors.ErrUnsupported },
		SetTransmitKey: func(fd FD, info []byte) error { return errors.ErrUnsupported },
		SendRecord:     func(fd FD, recordType byte, data []byte) error { return errors.ErrUnsupported },
	}
}
