package wire

// What a message may hold. All limits are this package's own: nothing that a
// peer says moves them, each is checked before memory is taken for what it
// limits, and Append refuses what Reader would.
const (
	// MaxBody is the body of one control frame. It holds an entry with the most
	// extended attributes and everything else at its limit; beyond that a
	// message would only keep the others waiting.
	MaxBody = 1<<20 + 1<<19
	// MaxLong is the body of a Job or DirEnd, which may take several frames:
	// a million lines of --files-from, or 4 million subdirectories of one
	// directory.
	MaxLong = 64 << 20
	// MaxItems is the number of entries in an Entries: 2 MiB in memory, where
	// they take 12 times what they do on the wire, and 55 times at the worst.
	MaxItems = 4096
	// MaxNames is the number of names in each list of a DirEnd: 100 MiB in
	// memory.
	MaxNames = 4 << 20
	// MaxName is NAME_MAX of every file system of Linux.
	MaxName = 255
	// MaxLink is where a symbolic link leads: Linux has 4096 at most, other
	// systems more.
	MaxLink = 64 << 10
	// MaxPath is a path in a message to the user. Longer ones are cut in
	// front: nothing is opened by them.
	MaxPath = 64 << 10
	// MaxText is the text of a message to the user. Longer ones are cut.
	MaxText = 128 << 10
	// MaxXattr is XATTR_SIZE_MAX of Linux.
	MaxXattr = 64 << 10
	// MaxXattrs is what the extended attributes and ACLs of one inode take
	// together: names and values. Only XFS and a few others hold more.
	MaxXattrs = 1 << 20
	// MaxXattrCount is how many there may be: XATTR_LIST_MAX is 64 KiB, and a
	// name has a prefix like "user.".
	MaxXattrCount = 8192
	// MaxWords is the number of options in a Job, each line of a filter file
	// being one.
	MaxWords = 1 << 20
	// MaxSources is the number of operands in a Job.
	MaxSources = 1 << 16
	// MaxRuns is the number of runs in one Need.
	MaxRuns = 16384
	// MaxSums is the number of sums in one message: 160 KiB.
	MaxSums = 8192
	// MinBlock and MaxBlock are the sizes of the blocks of a Signature. The
	// lower one bounds the work that a peer can ask for.
	MinBlock = 256
	MaxBlock = 64 << 20
	// MaxIDs is the number of files in one Received.
	MaxIDs = 4096
	// MaxCredit is what one Credit may give, far above any window.
	MaxCredit = 1 << 30
	// MaxChunk is the stream's bytes in one Chunk, so that what else is on the
	// control channel waits for no more than that.
	MaxChunk = 256 << 10

	// MaxRange is the content of one FrameRange. Compressed frames are smaller
	// than what they hold, so it is the limit of every payload.
	MaxRange = 16 << 20
	// MaxBatch is the payload of a FrameBatch, compressed or not: 1 MiB when it
	// is full, and the file that filled it.
	MaxBatch = 2 << 20
	// MaxBatchFiles is the number of files in a batch.
	MaxBatchFiles = 4096

	// MaxNoise is what a login shell may print before the greeting.
	MaxNoise = 64 << 10
	// MaxHello is all of a Hello: what is read of a peer before it has proven
	// who it is.
	MaxHello = 4096
	// MaxFeatures, MaxFeature, MaxPorts and MaxAddrs limit what a Hello lists;
	// MaxFeature and MaxAddr are lengths in bytes.
	MaxFeatures = 64
	MaxFeature  = 32
	MaxPorts    = 64
	MaxAddrs    = 16
	MaxAddr     = 64
)

// firstRead is how much of a body is read into memory taken by its length
// alone; more is taken as bytes arrive. A Chunk fits.
const firstRead = MaxChunk + 64
