using System.Diagnostics.CodeAnalysis;
using Postern.Core;

namespace Postern.Rehearsal;

/// <summary>Small text files that are in memory only.</summary>
internal sealed class SampleFiles : ITextFiles
{
    /// <summary>The directory of the built-in configuration.</summary>
    public const string Directory = "(built-in)";

    private readonly Dictionary<string, string> _texts;

    private SampleFiles(Dictionary<string, string> texts) => _texts = texts;

    /// <summary>The configuration for machines that have none: what Postfix's has, and the published settings but the greet wait.</summary>
    public static SampleFiles Configuration { get; } = new(new()
    {
        [Directory + "/main.cf"] =
            """
            compatibility_level = 3.6
            myhostname = mail.sample.test
            inet_interfaces = 127.0.0.1
            mynetworks = 192.0.2.0/24
            postscreen_greet_action = enforce

            """,
        [Directory + "/master.cf"] = "25 inet n - n - 1 postscreen\n",
        [Directory + "/postern.cf"] = "postern_handoff = receiver\n",
    });

    /// <summary>One file.</summary>
    public static SampleFiles Of(string path, string text) => new(new() { [path] = text });

    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        (file, reason) = _texts.TryGetValue(path, out var text) ? (new TextFile(text, new FileStamp(0, text.Length, 0)), (string?)null) : (null, "No such file or directory");
        return file is not null;
    }

    public FileStamp? Stamp(string path) => _texts.TryGetValue(path, out var text) ? new FileStamp(0, text.Length, 0) : null;
}
