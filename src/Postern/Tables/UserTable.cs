using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tables;

/// <summary>
/// <c>unix:passwd.byname</c> and <c>unix:group.byname</c>: the system's users and groups, as lines of passwd(5) and group(5).
/// They may be a directory server's, so whoever asks waits.
/// </summary>
internal sealed unsafe class UserTable : ILookupTable
{
    private const int MaxBuffer = 1 << 20;

    private readonly bool _hasGroups;
    private readonly bool _foldCase;

    private UserTable(TableSource source, bool hasGroups) => (Name, _foldCase, _hasGroups) = (source.Name, source.FoldCase, hasGroups);

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public LookupWait Wait => LookupWait.Answer;

    /// <summary>Makes the table that the argument names.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = source.Argument is "passwd.byname" or "group.byname" ? null : $"unknown table: {source.Name}";
        return problem is null ? new UserTable(source, hasGroups: source.Argument == "group.byname") : null;
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        key = ListText.BeforeNul(_foldCase ? ListText.FoldCase(key) : key).ToString();
        for (var length = 1024; ; length *= 2)
        {
            var buffer = (byte*)NativeMemory.Alloc((nuint)length);
            try
            {
                var error = _hasGroups ? FindGroup(key, buffer, length, out var line) : FindUser(key, buffer, length, out line);
                if (error == Errno.EINTR || (error == Errno.ERANGE && length < MaxBuffer))
                    continue;
                if (line is not null)
                    return LookupResult.Found(line);
                if (error is 0 or Errno.ENOENT or Errno.EPERM or Errno.EBADF) // what getpwnam(3) lists for "none"
                    return LookupResult.NotFound;
                warnings.Warn($"{Name}: lookup of \"{key}\" failed: {Errno.Text(error)}");
                return LookupResult.Error;
            }
            finally
            {
                NativeMemory.Free(buffer);
            }
        }
    }

    private static int FindUser(string name, byte* buffer, int length, out string? line)
    {
        PasswordEntry entry;
        PasswordEntry* found;
        var error = Libc.getpwnam_r(name, &entry, buffer, (nuint)length, &found);
        line = found is null ? null : string.Create(
            CultureInfo.InvariantCulture,
            $"{Text(entry.Name)}:{Text(entry.Password)}:{entry.User}:{entry.Group}:{Text(entry.Comment)}:{Text(entry.Home)}:{Text(entry.Shell)}");
        return error;
    }

    private static int FindGroup(string name, byte* buffer, int length, out string? line)
    {
        GroupEntry entry;
        GroupEntry* found;
        var error = Libc.getgrnam_r(name, &entry, buffer, (nuint)length, &found);
        line = null;
        if (found is null)
            return error;
        var members = new List<string>();
        for (var member = entry.Members; *member is not null; member++)
            members.Add(Text(*member));
        line = string.Create(CultureInfo.InvariantCulture, $"{Text(entry.Name)}:{Text(entry.Password)}:{entry.Group}:{string.Join(',', members)}");
        return error;
    }

    private static string Text(byte* text) => Encoding.Latin1.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));
}
