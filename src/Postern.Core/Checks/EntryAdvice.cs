using System.Diagnostics.CodeAnalysis;
using Postern.Core.Config;
using Postern.Core.Tables;

namespace Postern.Core.Checks;

/// <summary>
/// What to write so that a client is let in by the access list. Each change is tried, with the files as they would be then,
/// before it is said: it is never a rule that is there already, nor one that is not reached.
/// </summary>
/// <param name="client">Who.</param>
/// <param name="service">At which service.</param>
/// <param name="listText">Its postscreen_access_list, as written.</param>
/// <param name="files">As they are.</param>
/// <param name="load">Reads the configuration from other files, with texts <c>name=value</c> that are stronger than these.</param>
public sealed class EntryAdvice(IpAddress client, ScreeningService service, string listText, ITextFiles files, Func<ITextFiles, IReadOnlyList<string>, Configuration> load)
{
    private const string ListName = "postscreen_access_list", Cidr = "cidr:";

    private string Rule => $"{client} permit";

    /// <summary>Finds a change that works.</summary>
    /// <param name="directory">Where main.cf is.</param>
    /// <returns>Null: none does.</returns>
    public string? Find(string directory)
    {
        foreach (var path in service.Settings.AccessList.Tables.Select(PathOf).OfType<string>())
        {
            if (!files.TryRead(path, out var file, out _) || Permits(file.Text))
                continue;
            var line = CidrTable.FindLine(file.Text, client);
            if (IsLetInBy(path, Insert(file.Text, line ?? 1), []))
                return line is null ? $"write \"{Rule}\" at the top of {path}" : $"write \"{Rule}\" before line {line} of {path}";
        }

        var own = $"{directory}/postscreen_access.cidr";
        var text = files.TryRead(own, out var existing, out _) ? existing.Text : "";
        var list = $"{ListName} = {Cidr}{own}{(listText.Trim().Length == 0 ? "" : ", ")}{string.Join(' ', listText.Split((char[])[' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))}";
        if (!IsLetInBy(own, Permits(text) ? text : Insert(text, 1), [list]))
            return null;
        var place = service.OriginOf(ListName) is { } origin ? $"line {origin.Line} of {origin.File}" : $"{directory}/main.cf";
        return $"{(Permits(text) ? "" : $"write \"{Rule}\" {(text.Length == 0 ? "to" : "at the top of")} {own}, and ")}in {place} {list}, and reload";
    }

    /// <summary>A rule that would let the client in and is not reached.</summary>
    /// <returns>Its place; null: there is none.</returns>
    public ConfigOrigin? FindUnreached()
    {
        foreach (var path in service.Settings.AccessList.Tables.Select(PathOf).OfType<string>())
        {
            if (files.TryRead(path, out var file, out _) && Permits(file.Text))
                return new ConfigOrigin(path, CidrTable.FindLine(file.Text, client)!.Value);
        }

        return null;
    }

    /// <summary>The file of a word <c>cidr:/path</c>; null: it is another.</summary>
    public static string? PathOf(string? word) => word is not null && word.StartsWith(Cidr + "/", StringComparison.Ordinal) ? word[Cidr.Length..] : null;

    private bool Permits(string text)
    {
        var line = CidrTable.FindLine(text, client);
        var source = new TableSource(Cidr, "", new TextFileReader(new TextFile(text, default)), FoldCase: false, DuplicateKeys.Warned);
        return line is not null && CidrTable.Rules(source).FirstOrDefault(rule => rule.Line == line).Value?.Equals("permit", StringComparison.OrdinalIgnoreCase) is true;
    }

    private string Insert(string text, int line)
    {
        var start = 0;
        for (var number = 1; number < line; number++)
            start = text.IndexOf('\n', start) + 1;
        return text.Insert(start, Rule + "\n");
    }

    private bool IsLetInBy(string path, string text, IReadOnlyList<string> overrides)
    {
        var trial = load(new ChangedFile(files, path, text), overrides);
        var settings = trial.Services.FirstOrDefault(one => one.Name == service.Name)?.Settings;
        return settings?.AccessList.Explain(client, DiscardedWarnings.Instance, out var decider) is AccessVerdict.Permit && PathOf(decider) == path;
    }

    /// <summary>All files but one as they are.</summary>
    private sealed class ChangedFile(ITextFiles files, string changed, string text) : ITextFiles
    {
        public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
        {
            if (path != changed)
                return files.TryRead(path, out file, out reason);
            (file, reason) = (new TextFile(text, default), null);
            return true;
        }

        public string Resolve(string path) => files.Resolve(path);

        public FileStamp? Stamp(string path) => path == changed ? default(FileStamp) : files.Stamp(path);
    }
}
