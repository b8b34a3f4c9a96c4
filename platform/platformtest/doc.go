// Package platformtest makes the kernel fail where a test wants it to. It works on a
// [platform.Calls], the table through which everything below the command line reaches the
// system:
//
//   - [Wrap] returns a table whose n-th call fails, moves less than it was asked to, or
//     moves nothing.
//   - [Log] writes down what was called and knows which descriptors are open.
//   - [OpenDescriptors] fails a test that leaves descriptors behind.
//
// Only tests import it. It goes by reflection over every function of the table, so an
// ability that is added there can be made to fail here with nothing to be written.
package platformtest
