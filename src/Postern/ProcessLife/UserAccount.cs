using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>A user of this machine and the user's main group, as numbers.</summary>
/// <param name="Name">The name that was looked up.</param>
internal readonly record struct UserAccount(string Name, uint User, uint Group)
{
    private const int MaxBuffer = 1 << 20;

    /// <param name="parameter">Where the name comes from: <c>mail_owner</c>.</param>
    /// <param name="problem">What is wrong with the name, in Postfix's words.</param>
    public static unsafe bool TryFind(
        string parameter, string name, out UserAccount account, [NotNullWhen(false)] out string? problem)
    {
        (account, problem) = (default, null);
        for (var length = 1024; ; length *= 2)
        {
            var buffer = (byte*)NativeMemory.Alloc((nuint)length);
            try
            {
                PasswordEntry entry;
                PasswordEntry* found;
                var error = Libc.getpwnam_r(name, &entry, buffer, (nuint)length, &found);
                if (error == Errno.EINTR || (error == Errno.ERANGE && length < MaxBuffer))
                    continue;
                if (found is null)
                {
                    problem = error is 0 or Errno.ENOENT or Errno.EPERM or Errno.EBADF // what getpwnam(3) lists for "none"
                        ? $"parameter {parameter}: unknown user name value: {name}"
                        : $"parameter {parameter}: cannot look up user {name}: {Errno.Text(error)}";
                    return false;
                }

                account = new UserAccount(name, entry.User, entry.Group);
                return true;
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
    }
}
