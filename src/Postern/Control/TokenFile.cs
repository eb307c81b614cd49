using System.Security.Cryptography;
using System.Text;
using Postern.Native;

namespace Postern.Control;

/// <summary><c>postern_http_token_file</c>: a line <c>NAME TOKEN</c> for each who may change something; # begins a comment. Read anew each time.</summary>
/// <param name="path">Not for everybody to read.</param>
internal sealed class TokenFile(string path)
{
    private const int MostBytes = 64 * 1024;
    private const int ShortestToken = 16;

    /// <summary>Finds whose token it is, in a time that does not tell how much of it is right.</summary>
    /// <param name="problem">Why nobody can be found, in the administrator's words; null: the token is nobody's.</param>
    /// <returns>Null: nobody's.</returns>
    public string? FindName(string token, out string? problem) =>
        TryRead(out var lines, out problem) ? Find(lines, token, out problem, out _) : null;

    /// <summary>Why somebody in the file cannot be found, or nobody; none: all can.</summary>
    public IEnumerable<string> FindProblems()
    {
        if (!TryRead(out var lines, out var problem))
            yield return problem!;
        Find(lines, token: "", out var badLine, out var names);
        if (badLine is not null)
            yield return badLine;
        else if (problem is null && names == 0)
            yield return $"{path} names nobody";
    }

    private bool TryRead(out string[] lines, out string? problem)
    {
        (lines, problem) = ([], null);
        try
        {
            using var file = SafeFile.Read(path);
            if (file.Length > MostBytes)
            {
                problem = $"{path} is larger than {MostBytes} bytes";
                return false;
            }

            using var text = new StreamReader(file);
            lines = text.ReadToEnd().Split('\n');
            if (OperatingSystem.IsLinux() && (File.GetUnixFileMode(file.SafeFileHandle) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0)
                problem = $"{path} is not only for you: chmod o-rwx {path}";
            return problem is null;
        }
        catch (IOException refusal)
        {
            problem = $"{path}: {refusal.Message}" + (refusal.Message == Errno.Text(Errno.EACCES) ? " (mail_owner has to read it: chgrp it to its group, chmod 0640)" : "");
            return false;
        }
    }

    private string? Find(string[] lines, string token, out string? problem, out int names)
    {
        (problem, names) = (null, 0);
        var asked = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        string? found = null;
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            if (words is [] || words[0].StartsWith('#'))
                continue;
            names++;
            if (words is not [var name, { Length: >= ShortestToken } one] || !AccessCommands.IsName(name))
                problem = $"{path}, line {i + 1}: write NAME TOKEN, with a token of {ShortestToken} characters or more, such as openssl rand -base64 24 makes";
            else if (CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(one)), asked))
                found = name;
        }

        if (found is not null)
            problem = null; // somebody else's line
        return found;
    }
}
