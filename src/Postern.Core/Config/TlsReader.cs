using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>
/// Reads how a service speaks TLS. As in Postfix 3.7 two decide: postscreen's level says what clients are told, and what
/// tlsproxy is told (in main.cf, not on the service's line of master.cf) says whether and how they are served. What keeps
/// TLS from working does not keep the daemon from starting: mail flows without, and clients that ask get a 454.
/// </summary>
/// <param name="service">The service's values.</param>
/// <param name="tlsproxy">What tlsproxy would read; asked for only when TLS is offered.</param>
/// <param name="postfix">Whose way of deciding counts.</param>
internal sealed class TlsReader(ParameterValues service, Func<ParameterValues> tlsproxy, PostfixVersion postfix, ProblemList problems)
{
    private const string Proxy = "tlsproxy";
    private const string Consequence = "until then STARTTLS is answered with 454";

    private bool _hasNoCertificate;

    /// <summary>The level, and how TLS is spoken: null when it cannot be.</summary>
    public (TlsLevel Level, TlsSettings? Settings) Read()
    {
        var level = ReadLevel(service, "postscreen_tls_security_level", "postscreen_use_tls", "postscreen_enforce_tls", program: "postscreen");
        var settings = level is TlsLevel.None ? null : ReadSettings(tlsproxy());
        return (_hasNoCertificate && postfix.Has(PostfixDifferences.NoTlsWithoutCertificate) ? TlsLevel.None : level, settings);
    }

    private TlsSettings? ReadSettings(ParameterValues proxy)
    {
        proxy.Evaluate(TlsParameters.OfTlsproxy);
        service.Evaluate([.. TlsParameters.OfTlsproxy.Where(row => row.Name.StartsWith("smtpd_", StringComparison.Ordinal)), .. TlsParameters.OfPostscreen]);
        var level = ReadLevel(proxy, "tlsproxy_tls_security_level", "tlsproxy_use_tls", "tlsproxy_enforce_tls", program: Proxy);
        if (level is TlsLevel.None)
        {
            problems.SaidBy(
                Proxy,
                ProblemSeverity.Degraded,
                proxy.OriginOf("tlsproxy_tls_security_level"),
                "TLS server role is disabled " + (postfix.Has(PostfixDifferences.TlsRoleWords) ? "by configuration" : "with tlsproxy_tls_security_level or tlsproxy_use_tls"),
                $"write tlsproxy_tls_security_level = may in main.cf; {Consequence}");
            return null;
        }

        var certificates = ReadCertificates();
        var versions = ReadVersions(level);
        var suites = ReadCiphers(level, proxy);
        if (certificates.Count == 0 || versions is TlsVersions.None || suites is null)
            return null;
        var (asker, ask) = Find("ask_ccert");
        var (demander, demand) = Find("req_ccert");
        var demands = demander.YesNo(demand) && level is TlsLevel.Encrypt;
        return new TlsSettings
        {
            Certificates = certificates,
            Versions = versions,
            CipherSuites = suites,
            LogsHandshakes = ReadLogLevel() > 0,
            AsksForCertificate = demands || asker.YesNo(ask),
            DemandsCertificate = demands,
            AuthoritiesFile = Text("CAfile") is { Length: > 0 } file ? FullPath(file) : null,
        };

        // The one of the two who says it, and under which name.
        (ParameterValues Values, string Name) Find(string suffix) =>
            service.IsSet(TlsParameters.Speakers[0] + suffix) ? (service, TlsParameters.Speakers[0] + suffix) : (proxy, TlsParameters.Speakers[1] + suffix);

        string Text(string suffix)
        {
            var (values, name) = Find(suffix);
            return values.Text(name);
        }

        string FullPath(string path) => path.StartsWith('/') ? path : $"{service.Text("queue_directory")}/{path}";

        List<TlsCertificateFiles> ReadCertificates()
        {
            var found = new List<TlsCertificateFiles>();
            if (Networks.Words(Text("chain_files")) is { Length: > 0 } files)
            {
                var (values, name) = Find("chain_files");
                return [new TlsCertificateFiles(name, values.OriginOf(name), [.. files.Select(FullPath)], null)];
            }

            foreach (var kind in (string[])["", "ec"])
            {
                var (values, name) = Find(kind + "cert_file");
                var file = values.Text(name);
                if (file.Length > 0 && !file.Equals("none", StringComparison.OrdinalIgnoreCase))
                    found.Add(new TlsCertificateFiles(name, values.OriginOf(name), [FullPath(file)], FullPath(KeyOf(kind, values, name, file))));
            }

            if (found.Count > 0)
                return found;
            _hasNoCertificate = true;
            const string Remedy = "name a certificate and its key in smtpd_tls_chain_files, or in smtpd_tls_cert_file and smtpd_tls_key_file; until then ";
            var origin = service.OriginOf("postscreen_tls_security_level");
            if (postfix.Has(PostfixDifferences.NoTlsWithoutCertificate))
                problems.SaidBy("postscreen", ProblemSeverity.Degraded, origin, "No server certs available. TLS won't be enabled", Remedy + "STARTTLS is not offered");
            else
                problems.SaidBy(Proxy, ProblemSeverity.Degraded, origin, "No server certs available. TLS can't be enabled", Remedy + "it is answered with 454");
            return found;
        }

        // A certificate that postscreen names has its key beside it, unless postscreen names that too.
        string KeyOf(string kind, ParameterValues values, string certificate, string file)
        {
            var (keyValues, key) = Find(kind + "key_file");
            return values == service && keyValues != service && certificate.StartsWith(TlsParameters.Speakers[0], StringComparison.Ordinal) ? file : keyValues.Text(key);
        }

        TlsVersions ReadVersions(TlsLevel level)
        {
            var (values, name) = Find(level is TlsLevel.Encrypt ? "mandatory_protocols" : "protocols");
            var text = values.Text(name);
            if (TlsProtocolList.TryParse(text, out var versions) && versions is not TlsVersions.None)
                return versions;
            problems.SaidBy(
                Proxy, ProblemSeverity.Degraded, values.OriginOf(name), $"Invalid TLS protocol list \"{text}\": disabling TLS support", $"write >=TLSv1.2 in {name}; {Consequence}");
            return TlsVersions.None;
        }

        int ReadLogLevel()
        {
            var (values, name) = Find("loglevel");
            var text = values.Text(name);
            if (int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var number))
                return number;
            problems.Warning(values.OriginOf(name), $"{name} = {text}: not a number from 0 to 4; taken for 0", "write 0 or 1");
            return 0;
        }

        IReadOnlyList<System.Net.Security.TlsCipherSuite>? ReadCiphers(TlsLevel level, ParameterValues proxy)
        {
            var (values, name) = Find(level is TlsLevel.Encrypt ? "mandatory_ciphers" : "ciphers");
            var grade = values.Text(name);
            if (ListText.FoldCase(grade) is not ("high" or "medium" or "low" or "export"))
            {
                problems.SaidBy(
                    Proxy, ProblemSeverity.Degraded, values.OriginOf(name), $"{name}: invalid cipher grade: \"{grade}\"", $"write medium or high; {Consequence}");
                return null;
            }

            var isObsolete = postfix.Has(PostfixDifferences.CipherGrades) && ListText.FoldCase(grade) is "low" or "export";
            var listName = $"tls_{(isObsolete ? "medium" : ListText.FoldCase(grade))}_cipherlist";
            var list = proxy.Text(listName);
            WarnOfUnknown(proxy.OriginOf(listName), listName, list);
            foreach (var one in level is TlsLevel.Encrypt ? (string[])["exclude_ciphers", "mandatory_exclude_ciphers"] : ["exclude_ciphers"])
            {
                var (excludes, excludeName) = Find(one);
                WarnOfUnknown(excludes.OriginOf(excludeName), excludeName, excludes.Text(excludeName));
                foreach (var word in excludes.Text(excludeName).Split([':', ',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries))
                    list += ":!" + word.TrimStart('!');
            }

            return TlsCipherList.Parse(list, out _);
        }

        void WarnOfUnknown(ConfigOrigin? origin, string name, string text)
        {
            TlsCipherList.Parse(text, out var unknown);
            if (unknown.Count > 0)
                problems.Warning(origin, $"{name}: no cipher is called {string.Join(", ", unknown)}", "see ciphers(1) for OpenSSL's words; letter case counts");
        }
    }

    private TlsLevel ReadLevel(ParameterValues values, string name, string use, string enforce, string program)
    {
        var text = values.Text(name);
        switch (ListText.FoldCase(text))
        {
            case "" when program == "postscreen" && postfix.Has(PostfixDifferences.EmptyTlsLevelIsFatal) && values.IsSet(name): goto default;
            case "": return values.YesNo(enforce) ? TlsLevel.Encrypt : values.YesNo(use) ? TlsLevel.May : TlsLevel.None;
            case "none": return TlsLevel.None;
            case "may": return TlsLevel.May;
            case "encrypt": return TlsLevel.Encrypt;
            case "verify" or "secure" or "fingerprint":
                var words = $"{name}: unsupported TLS level \"{text}\", using \"encrypt\"";
                const string Remedy = "write none, may or encrypt";
                problems.SaidBy(program, ProblemSeverity.Warning, values.OriginOf(name), words, Remedy);
                return TlsLevel.Encrypt;
            default:
                problems.Error(values.OriginOf(name), $"Invalid TLS level \"{text}\"", "write none, may or encrypt");
                return TlsLevel.None;
        }
    }
}
