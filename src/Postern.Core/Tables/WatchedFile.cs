namespace Postern.Core.Tables;

/// <summary>Makes something of a file's content; null with a problem when it cannot.</summary>
internal delegate T? FileParser<T>(IFileReader file, IWarningSink warnings, out string? problem) where T : class;

/// <summary>
/// A file whose content is in use, and which is read again when it has changed. A new version must be flawless to take
/// over: an administrator's slip in a live table must not lose the rules behind it. At the start and at a reload, as in
/// Postfix, bad lines are only skipped.
/// </summary>
/// <param name="subject">How log lines name the thing: <c>table cidr:/etc/postfix/access</c>.</param>
/// <param name="describeReadProblem">Makes the log text of the system's reason why the file cannot be read.</param>
internal sealed class WatchedFile<T>(string path, string subject, Func<string, string> describeReadProblem, FileParser<T> parse)
    where T : class
{
    private const int MostFlawsOfFirst = 1000; // each line that is skipped
    private const int MostFlawsOfNext = 20; // it may be anything but a table

    private FileStamp? _handled; // the version that was taken or refused last
    private FileStamp? _seen; // what the last look saw
    private FileStamp? _inForce; // the version that the content is from
    private FlawList _flaws = new(0); // of that version
    private bool _isBlank; // that version
    private bool _isUnreadable;
    private volatile IFileReader? _toRead;

    /// <summary>The version in force; null: there never was one.</summary>
    public T? Content { get; private set; }

    /// <summary>Why there is no content, or why the last version did not become it.</summary>
    public string? Problem { get; private set; }

    /// <summary>How much has been read of all versions that came into force, in bytes.</summary>
    public long BytesTaken { get; private set; }

    /// <summary>Whether it is open and <see cref="ReadRest"/> has yet to read it.</summary>
    public bool IsToRead => _toRead is not null;

    /// <summary>The first reading: what can be used is used.</summary>
    /// <param name="before">What a configuration that is in force until now has of the file; null: there is none.</param>
    /// <param name="mostNow">Bytes; a longer file is only opened, for <see cref="ReadRest"/>.</param>
    /// <returns>Whether the file could be read; it may still have no usable content.</returns>
    public bool Open(ITextFiles files, IWarningSink warnings, WatchedFile<T>? before = null, long mostNow = long.MaxValue)
    {
        if (before?._inForce is { } known && files.Stamp(path) == known)
        {
            TakeOver(before);
            _flaws.Report(subject, warnings);
            return true;
        }

        if (!files.TryOpen(path, out var file, out var reason))
            return IsKept(before, describeReadProblem(reason), warnings);
        if (file.Stamp.Size > mostNow)
        {
            _toRead = file;
            return true;
        }

        return ReadFirst(file, before, warnings);
    }

    /// <summary>Reads what was only opened.</summary>
    public void ReadRest(IWarningSink warnings)
    {
        if (_toRead is not { } file)
            return;
        ReadFirst(file, before: null, warnings);
        if (Problem is not null)
            warnings.Warn(Problem);
    }

    /// <summary>Now nobody waits for <see cref="ReadRest"/>: what it made is in use.</summary>
    public void EndReading() => _toRead = null;

    /// <summary>
    /// Takes a new version over. A change is acted upon at the second look that finds the same version, so that a file
    /// is not read while it is being written; nothing is reported twice.
    /// </summary>
    /// <param name="isComplete">Nobody is writing the file: the first look is enough.</param>
    public void Refresh(ITextFiles files, IWarningSink warnings, bool isComplete = false)
    {
        if (IsToRead)
            return;
        var stamp = files.Stamp(path);
        var isSettled = isComplete || stamp == _seen;
        _seen = stamp;
        if (stamp is not null && stamp == _handled)
        {
            _isUnreadable = false;
            return;
        }

        if (!isSettled)
            return;
        if (!files.TryOpen(path, out var file, out var reason))
        {
            if (reason != ITextFiles.IsLocked) // else its maker is at it
                ReportUnreadable(describeReadProblem(reason), warnings);
            return;
        }

        using (file)
        {
            if (file.Stamp == stamp)
                Consider(file, warnings);
            else
                _seen = file.Stamp;
        }
    }

    /// <summary>Whether the version in force is what the file holds now.</summary>
    public bool IsInForce(ITextFiles files) => _inForce is { } version && files.Stamp(path) == version;

    private bool ReadFirst(IFileReader file, WatchedFile<T>? before, IWarningSink warnings)
    {
        using (file)
        {
            var flaws = new FlawList(MostFlawsOfFirst);
            var content = new NonBlankWatch(file);
            var fresh = parse(content, flaws, out var problem);
            if (file.Problem is { } reason)
                return IsKept(before, describeReadProblem(reason), warnings);
            flaws.Report(subject, warnings);
            if (before is { Content: not null, _isBlank: false } && fresh is not null && content.IsBlank)
            {
                TakeOver(before);
                (_handled, _seen) = (file.Stamp, file.Stamp);
                ReportBlank(warnings);
                return true;
            }

            _handled = _seen = file.Stamp;
            Take(fresh, file.Stamp, flaws, content.IsBlank);
            Problem = problem;
            return true;
        }
    }

    /// <summary>The file cannot be read: what is in force until now stays, if there is anything.</summary>
    private bool IsKept(WatchedFile<T>? before, string problem, IWarningSink warnings)
    {
        if (before?.Content is null)
        {
            (_isUnreadable, Problem) = (true, problem);
            return false;
        }

        TakeOver(before);
        _isUnreadable = false; // the administrator asked for a reload: it is worth a line again
        ReportUnreadable(problem, warnings);
        return true;
    }

    private void TakeOver(WatchedFile<T> before) =>
        (_handled, _seen, _inForce, _flaws, _isBlank, Content) = (before._handled, before._seen, before._inForce, before._flaws, before._isBlank, before.Content);

    private void Take(T? fresh, FileStamp version, FlawList flaws, bool isBlank)
    {
        if (fresh is null)
            return;
        (Content, _inForce, _flaws, _isBlank) = (fresh, version, flaws, isBlank);
        BytesTaken += version.Size;
    }

    private void ReportUnreadable(string problem, IWarningSink warnings)
    {
        // Tried at each look, since a file that becomes readable may keep its stamp; told once.
        if (_isUnreadable && problem == Problem)
            return;
        (_isUnreadable, Problem) = (true, problem);
        warnings.Warn(problem);
        if (Content is not null)
            warnings.Warn($"{subject} cannot be read - the version read before stays in force");
    }

    private void ReportBlank(IWarningSink warnings) => warnings.Warn(
        $"{subject} is empty - the version read before stays in force; if it is to be empty, write a comment into it, a line such as \"# empty\"");

    private void Consider(IFileReader file, IWarningSink warnings)
    {
        var flaws = new FlawList(MostFlawsOfNext);
        var content = new NonBlankWatch(file);
        var fresh = parse(content, flaws, out var problem);
        if (file.Problem is { } reason)
        {
            ReportUnreadable(describeReadProblem(reason), warnings);
            return;
        }

        (_handled, _isUnreadable) = (file.Stamp, false);
        if (problem is not null)
            flaws.Warn(problem);
        flaws.Report(subject, warnings);
        Problem = problem;
        if (fresh is null || (Content is not null && flaws.Count > 0))
        {
            if (Content is not null)
                warnings.Warn($"{subject} has changed - the version read before stays in force");
            return;
        }

        if (Content is not null && content.IsBlank && !_isBlank)
        {
            ReportBlank(warnings); // cut short by a full disk, rather than meant
            return;
        }

        Take(fresh, file.Stamp, flaws, content.IsBlank);
        warnings.Note($"{subject} has changed - using the new version");
    }

    /// <summary>What is wrong with a version; bounded, because it may be anything but a table.</summary>
    private sealed class FlawList(int mostKept) : IWarningSink
    {
        private readonly List<string> _texts = [];

        public int Count { get; private set; }

        public void Warn(string text)
        {
            if (Count++ < mostKept)
                _texts.Add(text);
        }

        public void Report(string subject, IWarningSink warnings)
        {
            foreach (var text in _texts)
                warnings.Warn(text);
            if (Count > mostKept)
                warnings.Warn($"{subject}: {Count - mostKept} more warnings of this kind");
        }
    }

    /// <summary>Sees whether anything but white space is read.</summary>
    private sealed class NonBlankWatch(IFileReader file) : IFileReader
    {
        public bool IsBlank { get; private set; } = true;

        public FileStamp Stamp => file.Stamp;

        public string? Problem => file.Problem;

        public int Read(Span<byte> into)
        {
            var count = file.Read(into);
            IsBlank = IsBlank && !into[..count].ContainsAnyExcept(" \t\n\v\f\r"u8);
            return count;
        }

        public void Dispose()
        {
        }
    }
}
