using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Native;

namespace Postern.Dnsbl;

/// <summary>A DNS list that was found healthy.</summary>
/// <param name="Domain">Its domain.</param>
/// <param name="HasTestEntry">Whether it lists 127.0.0.2.</param>
internal sealed record KnownList(string Domain, bool HasTestEntry);

/// <summary>
/// Which DNS lists were found healthy, for the next process: it need not wait for its first check to believe them. A small
/// file in <c>data_directory</c>, a line a list, <c>zen.example.org 1795574805 test-entry</c>: when, and whether it had the test
/// entry. Written by a thread of the pool; without it the lists are checked first, and that is all.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="clock">Wall-clock time.</param>
/// <param name="warn">Told why it cannot be kept, once. Used by other threads.</param>
internal sealed class KnownLists(string path, TimeProvider clock, Action<string> warn)
{
    /// <summary>A longer file is not ours.</summary>
    public const int MostBytes = 1 << 16;

    private const int MostLists = 500;
    private const string TestEntry = "test-entry", NoTestEntry = "no-test-entry";

    private static readonly TimeSpan Fresh = TimeSpan.FromDays(7);

    private readonly Lock _lock = new();
    private string? _next; // what is to be written; null: nothing
    private bool _isWriting, _hasWarned;

    /// <summary>What the process before this one has found, as far as it is not too old to be believed.</summary>
    /// <param name="files">Refuses files longer than <see cref="MostBytes"/>.</param>
    public Dictionary<string, KnownList> Read(ITextFiles files)
    {
        var known = new Dictionary<string, KnownList>(StringComparer.Ordinal);
        if (!files.TryRead(path, out var file, out _))
            return known;
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        foreach (var line in file.Text.AsSpan().EnumerateLines())
        {
            var words = line.ToString().Split(' ');
            if (words.Length == 3 && known.Count < MostLists && words[2] is TestEntry or NoTestEntry
                && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var found) && found <= now && now - found <= Fresh.TotalSeconds)
            {
                known[words[0]] = new KnownList(words[0], words[2] == TestEntry);
            }
        }

        return known;
    }

    /// <summary>Has the file written anew, soon, and by another thread.</summary>
    public void Save(IEnumerable<KnownList> lists)
    {
        var text = new StringBuilder();
        var now = clock.GetUtcNow().ToUnixTimeSeconds();
        foreach (var list in lists.Take(MostLists))
            text.Append(CultureInfo.InvariantCulture, $"{list.Domain} {now} {(list.HasTestEntry ? TestEntry : NoTestEntry)}\n");
        lock (_lock)
        {
            _next = text.ToString();
            if (_isWriting)
                return;
            _isWriting = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(static lists => lists.Write(), this, preferLocal: false);
    }

    private void Write()
    {
        while (Take() is { } text)
        {
            try
            {
                var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
                if (OperatingSystem.IsLinux()) // always; the compiler wants to know that modes mean something
                    options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                var name = Latin1.ToText(path);
                using (var file = new FileStream(name + ".new", options))
                    file.Write(Encoding.Latin1.GetBytes(text));
                File.Move(name + ".new", name, overwrite: true);
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                if (!_hasWarned)
                    warn($"{path}: {Errno.ReasonOf(reason)} -- the next process has to check the DNS lists before they count");
                _hasWarned = true;
            }
        }
    }

    private string? Take()
    {
        lock (_lock)
        {
            var text = _next;
            _next = null;
            _isWriting = text is not null;
            return text;
        }
    }
}
