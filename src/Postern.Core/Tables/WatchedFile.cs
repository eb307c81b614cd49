namespace Postern.Core.Tables;

/// <summary>Makes something of a file's text; null with a problem when it cannot.</summary>
internal delegate T? FileParser<T>(string text, IWarningSink warnings, out string? problem) where T : class;

/// <summary>
/// A file whose content is in use, and which is read again when it has changed. A new version must be flawless to take
/// over: an administrator's slip in a live table must not lose the rules behind it. At the start, as in Postfix, bad lines
/// are only skipped.
/// </summary>
/// <param name="subject">How log lines name the thing: <c>table cidr:/etc/postfix/access</c>.</param>
/// <param name="describeReadProblem">Makes the log text of the system's reason why the file cannot be read.</param>
internal sealed class WatchedFile<T>(string path, string subject, Func<string, string> describeReadProblem, FileParser<T> parse)
    where T : class
{
    private FileStamp? _handled; // the version that was taken or refused last
    private FileStamp? _seen; // what the last look saw
    private bool _isUnreadable;

    /// <summary>The version in force; null: there never was one.</summary>
    public T? Content { get; private set; }

    /// <summary>Why there is no content, or why the last version did not become it.</summary>
    public string? Problem { get; private set; }

    /// <summary>The first reading: what can be used is used.</summary>
    /// <returns>Whether the file could be read; it may still have no usable content.</returns>
    public bool Open(ITextFiles files, IWarningSink warnings)
    {
        if (!files.TryRead(path, out var file, out var reason))
        {
            (_isUnreadable, Problem) = (true, describeReadProblem(reason));
            return false;
        }

        _handled = _seen = file.Stamp;
        Content = parse(file.Text, warnings, out var problem);
        Problem = problem;
        return true;
    }

    /// <summary>
    /// Takes a new version over. A change is acted upon at the second look that finds the same version, so that a file
    /// is not read while it is being written; nothing is reported twice.
    /// </summary>
    public void Refresh(ITextFiles files, IWarningSink warnings)
    {
        var stamp = files.Stamp(path);
        var isSettled = stamp == _seen;
        _seen = stamp;
        if (stamp is not null && stamp == _handled)
        {
            _isUnreadable = false;
            return;
        }

        if (!isSettled)
            return;
        if (!files.TryRead(path, out var file, out var reason))
        {
            if (reason != ITextFiles.IsLocked) // else its maker is at it
                ReportUnreadable(describeReadProblem(reason), warnings);
        }
        else if (file.Stamp == stamp)
            Consider(file, warnings);
        else
            _seen = file.Stamp;
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

    private void Consider(TextFile file, IWarningSink warnings)
    {
        (_handled, _isUnreadable) = (file.Stamp, false);
        var flaws = new FlawList();
        var fresh = parse(file.Text, flaws, out var problem);
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

        Content = fresh;
        warnings.Note($"{subject} has changed - using the new version");
    }

    /// <summary>What is wrong with a new version; bounded, because it may be anything but a table.</summary>
    private sealed class FlawList : IWarningSink
    {
        private const int MostKept = 20;
        private readonly List<string> _texts = [];

        public int Count { get; private set; }

        public void Warn(string text)
        {
            if (Count++ < MostKept)
                _texts.Add(text);
        }

        public void Report(string subject, IWarningSink warnings)
        {
            foreach (var text in _texts)
                warnings.Warn(text);
            if (Count > MostKept)
                warnings.Warn($"{subject}: {Count - MostKept} more warnings of this kind");
        }
    }
}
