// Package copiertest is what tests of a copier need and a copier does not: scratch file
// systems, random trees and a compare that knows every attribute of a file.
//
//   - [Require] says what a test can't run without. Where that is missing the test is
//     skipped with the reason; where ZCCP_TEST_REQUIRE names it, a skip is a failure.
//   - [FileSystems] mounts ext4, xfs, btrfs and tmpfs for one test; [MountAll] does it
//     once for a test binary.
//   - [Generate] fills a directory from a seed; [GenerateOver] makes a destination that
//     already holds some of it.
//   - [Scan], [Compare] and [Diff] tell two trees apart.
//
// Only tests import it. It calls the system by itself, and not through package platform,
// so that a fault in the code under test can't hide itself from the compare.
package copiertest
